import { join } from 'node:path'
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
  read<Row>(table: Table<Row>): AsyncGenerator<Row>
  readonly counts: Record<string, number>
}

/** Opens the finished shards among `inputs`; each file is checked against its manifest before the first row is believed. */
export function openInputs(inputs: readonly ShardKey[], directories: WorkDirectory): InputReader {
  const counts: Record<string, number> = {}
  const checked = new Set<string>()

  async function* read<Row>(table: Table<Row>): AsyncGenerator<Row> {
    for (const input of inputs) {
      const directory = directories.shard(input)
      const manifest = await readManifest(directory)
      const output = manifest?.outputs.find(({ path }) => path === `${table.name}.parquet`)
      if (output === undefined) continue
      const path = join(directory, output.path)
      if (!checked.has(path)) await check(path, input, output)
      checked.add(path)
      for await (const row of readTable(table, path)) {
        counts[table.name] = (counts[table.name] ?? 0) + 1
        yield row
      }
    }
  }
  return { read, counts }
}

async function check(path: string, input: ShardKey, output: Output): Promise<void> {
  if ((await sha256OfFile(path)) === output.sha256) return
  throw new CurateError('shard_corrupt', `${path} is not the file that ${input.stage}/${input.shard} wrote`, {
    hint: 'It was changed or damaged after it was finished. Delete it and run the same command again.',
  })
}
