import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { examplesDirectory } from '../../extractors/sources/example-repository.ts'
import { STATUSES } from '../../pipelines/core/records/evaluation.ts'

const Verdict = { status: z.enum(STATUSES).nullable(), why: z.string() }

/** What must come of a bundled example on a machine without a GPU; the file explains its fields. */
const ExpectedOutcome = z.strictObject({
  commit_sha: z.string(),
  kernels: z.array(
    z.strictObject({
      entry_point: z.string(),
      language: z.string(),
      role: z.enum(['entry', 'helper']),
      license: z.string().nullable(),
      paired: z.boolean().nullable(),
      task: z.string().nullable(),
      method: z.string().nullable(),
      proved_on: z.enum(['gpu', 'cpu', 'interpreter', 'compiler']).nullable(),
      reasoning: z.boolean(),
      ...Verdict,
    }),
  ),
  model_outputs: z.array(
    z.strictObject({
      row: z.int(),
      task: z.string(),
      reject: z.string().nullable(),
      language: z.string().nullable(),
      ...Verdict,
    }),
  ),
})
export type ExpectedOutcome = z.infer<typeof ExpectedOutcome>

/** Reads `examples/<name>.expected.yaml`. */
export function expectedOutcome(name: string): ExpectedOutcome {
  return ExpectedOutcome.parse(parse(readFileSync(join(examplesDirectory, `${name}.expected.yaml`), 'utf8')))
}
