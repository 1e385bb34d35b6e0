import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { writeFileAtomic } from '../core/atomic-file.ts'
import { systemCodeOf } from '../core/errors.ts'
import { hashOf } from '../core/hash.ts'

const SourceLock = z.record(z.string(), z.object({ options_hash: z.string(), commit_sha: z.string() }))
type SourceLock = z.infer<typeof SourceLock>

/** One source whose commit is wanted: `resolve` asks the source, perhaps over the network. */
export interface SourceQuestion {
  readonly id: string
  /** The entry of the recipe; a changed entry is asked again. */
  readonly entry: unknown
  resolve(): Promise<string>
}

/** What became of it: the commit, or why there is none. */
export type SourceAnswer =
  { readonly id: string; readonly commit: string } | { readonly id: string; readonly error: unknown }

/**
 * The commit of each source. What was resolved once is kept in the lock file, so that a run can be repeated and a plan
 * needs no network; `update` asks again, and with `keep` false nothing is written.
 */
export async function lockSources(
  path: string,
  questions: readonly SourceQuestion[],
  { update, keep }: { update: boolean; keep: boolean },
): Promise<SourceAnswer[]> {
  const lock = await readSourceLock(path)
  const answers = await Promise.all(questions.map((question) => answer(question, update ? {} : lock)))
  const next = { ...lock }
  for (const found of answers) {
    const question = questions.find(({ id }) => id === found.id)
    if ('commit' in found) next[found.id] = { options_hash: hashOf(question?.entry), commit_sha: found.commit }
  }
  const text = `${JSON.stringify(next, null, 2)}\n`
  if (keep && text !== `${JSON.stringify(lock, null, 2)}\n`) await writeFileAtomic(path, text)
  return answers
}

async function answer(question: SourceQuestion, lock: SourceLock): Promise<SourceAnswer> {
  const known = lock[question.id]
  if (known?.options_hash === hashOf(question.entry)) return { id: question.id, commit: known.commit_sha }
  try {
    return { id: question.id, commit: await question.resolve() }
  } catch (error) {
    return { id: question.id, error }
  }
}

async function readSourceLock(path: string): Promise<SourceLock> {
  try {
    return SourceLock.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    if (systemCodeOf(error) !== null && systemCodeOf(error) !== 'ENOENT') throw error
    return {}
  }
}
