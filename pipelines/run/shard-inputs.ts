import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { RowSelection } from '../core/parquet.ts'
import { CurateError } from '../core/errors.ts'
import { sha256OfFile } from '../core/hash.ts'
import { readManifest } from '../core/manifest.ts'
import type { Output } from '../core/manifest.ts'
import type { ShardKey } from '../core/stage.ts'
import { readTable } from '../core/table.ts'
import type { Table } from '../core/table.ts'
import type { WorkDirectory } from '../core/work-directory.ts'

/** Reads the tables of a shard's inputs and counts what was read. */
export interface InputReader {
  /** Rows that are not among the wanted ones count as read all the same. */
  read<Row>(table: Table<Row>, wanted?: RowSelection): AsyncGenerator<Row>
  /** The checked files of a table; their rows count as read. */
  files(table: Table<unknown>): Promise<string[]>
  readonly counts: Record<string, number>
}

/**
 * Opens the finished shards among `inputs`; each file is checked against its manifest before the first row is believed. `checked`
 * remembers which, over all shards of a process.
 */
export function openInputs(
  inputs: readonly ShardKey[],
  directories: WorkDirectory,
  checked = new Set<string>(),
): InputReader {
  const counts: Record<string, number> = {}

  async function findFile(table: string, input: ShardKey): Promise<{ path: string; numRows: number } | null> {
    const directory = directories.shard(input)
    const manifest = await readManifest(directory)
    const output = manifest?.outputs.find(({ path }) => path === `${table}.parquet`)
    if (output === undefined) return null
    const path = join(directory, output.path)
    const known = await stateOf(path, output)
    if (!checked.has(known)) await check(path, input, output)
    checked.add(known)
    return { path, numRows: output.num_rows ?? 0 }
  }
  function count(table: string, rows: number): void {
    counts[table] = (counts[table] ?? 0) + rows
  }
  async function* read<Row>(table: Table<Row>, wanted?: RowSelection): AsyncGenerator<Row> {
    for (const input of inputs) {
      const file = await findFile(table.name, input)
      if (file === null) continue
      if (wanted !== undefined) count(table.name, file.numRows)
      for await (const row of readTable(table, file.path, wanted)) {
        if (wanted === undefined) count(table.name, 1)
        yield row
      }
    }
  }
  async function files(table: Table<unknown>): Promise<string[]> {
    const paths: string[] = []
    for (const input of inputs) {
      const file = await findFile(table.name, input)
      if (file === null) continue
      count(table.name, file.numRows)
      paths.push(file.path)
    }
    return paths
  }
  return { read, files, counts }
}

// A process that runs thousands of shards hashes a file once, and again when it is another.
async function stateOf(path: string, { sha256 }: Output): Promise<string> {
  const found = await stat(path).catch(() => null)
  return [path, sha256, found?.ino, found?.size, found?.mtimeMs].join(' ')
}

async function check(path: string, input: ShardKey, output: Output): Promise<void> {
  if ((await sha256OfFile(path)) === output.sha256) return
  throw new CurateError('shard_corrupt', `${path} is not the file that ${input.stage}/${input.shard} wrote`, {
    hint: 'It was changed or damaged after it was finished. Delete it and run the same command again.',
  })
}
