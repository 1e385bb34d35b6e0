import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { usageError } from '../core/errors.ts'
import { workDirectory } from '../core/work-directory.ts'
import type { WorkDirectory } from '../core/work-directory.ts'

/** The runs in a work directory, by name. */
export async function listRuns(baseDirectory: string): Promise<{ name: string; directories: WorkDirectory }[]> {
  if (!existsSync(baseDirectory)) return []
  const entries = await readdir(baseDirectory, { withFileTypes: true })
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => ({ name, directories: workDirectory(baseDirectory, name) }))
    .filter(({ directories }) => existsSync(directories.planFile))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}

/** The runs a command is about: the one that is named, or all there are. */
export async function selectRuns(
  baseDirectory: string,
  name: string | undefined,
): Promise<{ name: string; directories: WorkDirectory }[]> {
  const runs = await listRuns(baseDirectory)
  const selected = name === undefined ? runs : runs.filter((run) => run.name === name)
  if (selected.length > 0) return selected
  const known = runs.map((run) => run.name).join(', ')
  throw usageError(
    name === undefined ? `there is no run in ${baseDirectory}` : `there is no run ${name} in ${baseDirectory}`,
    known === '' ? 'Start one with `curate quickstart`, or name its folder with --work-dir.' : `Runs there: ${known}.`,
  )
}
