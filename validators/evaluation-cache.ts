import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { writeFileAtomic } from '../pipelines/core/atomic-file.ts'
import { hashOf } from '../pipelines/core/hash.ts'
import { Evaluation } from '../pipelines/core/records/evaluation.ts'
import type { EvaluationRequest, Validator } from './types.ts'
import { VALIDATOR } from './validator.ts'
import type { ValidatorSettings } from './validator.ts'

/** What verdicts depend on besides task and candidate. */
export interface CacheScope {
  /** Folder of the cache: `cacheDirectory/evaluations`. */
  readonly folder: string
  readonly settings: ValidatorSettings
  /** Fingerprint of what validation runs on. */
  readonly device: string
}

/** A validator with a memory on disk. */
interface RememberingValidator extends Pick<Validator, 'evaluate'> {
  /** As that of a validator, for what is not known yet. */
  prepare(requests: readonly EvaluationRequest[]): Promise<void>
}

/**
 * A validator that judges nothing twice. A verdict is kept the moment it is there, so that a killed run, or a source that gained
 * one kernel, judges only what is new. Failures of the machine are not kept: they are thrown.
 */
export function rememberEvaluations(
  validator: Pick<Validator, 'evaluate' | 'prepare'>,
  scope: CacheScope,
): RememberingValidator {
  return {
    async prepare(requests) {
      const unknown = await Promise.all(
        requests.map(async (request) => ((await readRows(pathOf(scope, request))) === null ? [request] : [])),
      )
      validator.prepare(unknown.flat())
    },
    async evaluate(request) {
      const path = pathOf(scope, request)
      const known = await readRows(path)
      const rows = known ?? (await validator.evaluate(request)).map((evaluation) => Row.parse(evaluation))
      if (known === null) await writeFileAtomic(path, `${JSON.stringify(rows)}\n`)
      const { task, candidate } = request
      return rows.map((row) => ({ candidate_id: candidate.id, task_id: task.id, ...row }))
    },
  }
}

// By content and not by id: candidates that differ only in their reasoning share a verdict.
function pathOf({ folder, settings, device }: CacheScope, { task, candidate }: EvaluationRequest): string {
  const key = hashOf({
    validator: VALIDATOR,
    device,
    settings,
    task: { id: task.id, reference: task.reference, workloads: task.workloads },
    candidate: {
      language: candidate.language,
      form: candidate.form,
      entry_point: candidate.entry_point,
      sources: candidate.sources,
    },
  })
  return join(folder, key.slice(0, 2), `${key}.json`)
}

const Row = Evaluation.omit({ candidate_id: true, task_id: true })

async function readRows(path: string): Promise<z.infer<typeof Row>[] | null> {
  try {
    return z.array(Row).parse(JSON.parse(await readFile(path, 'utf8')))
  } catch {
    // Absent, or written by another version: judged anew.
    return null
  }
}
