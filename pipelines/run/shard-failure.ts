import { readFile, rm } from 'node:fs/promises'
import { z } from 'zod'
import { writeFileAtomic } from '../core/atomic-file.ts'
import type { CurateError } from '../core/errors.ts'
import { withoutSecrets } from '../core/secrets.ts'

/** Why the last attempt at a shard failed; kept until an attempt succeeds. */
export const ShardFailure = z.object({
  code: z.string(),
  message: z.string(),
  hint: z.string(),
  retryable: z.boolean(),
  failed_at: z.string(),
})
export type ShardFailure = z.infer<typeof ShardFailure>

/** Keeps a failure on disk so that `curate status` can tell it later; a disk too full for that loses only this note. */
export async function recordFailure(path: string, error: CurateError): Promise<void> {
  const failure: ShardFailure = {
    code: error.code,
    message: withoutSecrets(error.message),
    hint: error.hint,
    retryable: error.retryable,
    failed_at: new Date().toISOString(),
  }
  await writeFileAtomic(path, `${JSON.stringify(failure, null, 2)}\n`).catch(() => undefined)
}

export async function clearFailure(path: string): Promise<void> {
  await rm(path, { force: true })
}

/** The failure of a shard's last attempt, or null. */
export async function readFailure(path: string): Promise<ShardFailure | null> {
  try {
    return ShardFailure.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    return null
  }
}
