import { cp, mkdtemp, readdir, rm } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { expect } from 'vitest'
import { z } from 'zod'
import { sha256OfFile } from '../../../pipelines/core/hash.ts'
import { curate } from '../../curate-process.ts'
import type { CurateResult } from '../../curate-process.ts'
import { temporaryFolder } from '../../temporary-folder.ts'

/** A recipe with every stage that takes seconds; the file says what is in it. */
export const SMALL = join(import.meta.dirname, '..', '..', 'fixtures', 'cli', 'small.yaml')

/** A finished run of it that tests copy, so that each of them pays for what it is about. */
export interface SmallRun {
  /** The work directory of the finished run; only to be read. */
  readonly workDir: string
  /** What the run printed. */
  readonly result: CurateResult
  /** A copy that the current test may change. */
  copy(): Promise<string>
  remove(): Promise<void>
}

/** Runs the small recipe to its end with `--json`. */
export async function finishSmallRun(...flags: readonly string[]): Promise<SmallRun> {
  const workDir = await mkdtemp(join(tmpdir(), 'curate-small-'))
  const result = await curate(['--recipe', SMALL, '--work-dir', workDir, '--json', ...flags])
  expect(result.stderr).toBe('')
  return {
    workDir,
    result,
    async copy() {
      const folder = join(await temporaryFolder(), 'work')
      await cp(workDir, folder, { recursive: true })
      return folder
    },
    remove: () => rm(workDir, { recursive: true, force: true }),
  }
}

const Line = z.looseObject({ type: z.string(), stage: z.string().optional(), shard: z.string().optional() })

/** Standard output as the JSON objects it must consist of, one a line. */
export function jsonLines(text: string): z.infer<typeof Line>[] {
  expect(text.endsWith('\n'), 'the last line is whole').toBe(true)
  return text
    .trimEnd()
    .split('\n')
    .map((line) => Line.parse(JSON.parse(line)))
}

const Ending = z.object({ type: z.literal('result'), data: z.looseObject({}) })

/** The data of the last line, which is a command's result. */
export function resultOf({ stdout }: CurateResult): Record<string, unknown> {
  return Ending.parse(jsonLines(stdout).at(-1)).data
}

/** Which shards ran, as `stage/shard`, in order. */
export function shardsRun({ stdout }: CurateResult): string[] {
  return jsonLines(stdout)
    .filter(({ type }) => type === 'shard_started')
    .map(({ stage, shard }) => `${stage}/${shard}`)
    .toSorted()
}

/** Path to SHA-256 of everything under a folder. */
export async function contentsOf(folder: string): Promise<Record<string, string>> {
  if (!existsSync(folder)) return {}
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const hashes = files.toSorted().map(async (path) => [relative(folder, path), await sha256OfFile(path)] as const)
  return Object.fromEntries(await Promise.all(hashes))
}
