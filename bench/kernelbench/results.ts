import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { z } from 'zod'

/** One entry of candidates.json. */
export const Candidate = z.object({
  file: z.string(),
  level: z.int(),
  problem: z.string(),
  language: z.enum(['cuda', 'triton']),
  is_right: z.boolean(),
  /** Whether one call of its problem takes gigabytes, which decides what judging costs. */
  gigabytes: z.boolean(),
})
export type Candidate = z.infer<typeof Candidate>

export const Verdict = z.object({
  id: z.string(),
  outcome: z.enum(['accepted', 'refused', 'not_judged']),
  reason: z.string().optional(),
  /** Seconds from the beginning until it was there. */
  at: z.number(),
  /** Where the judge's time went. */
  seconds: z.record(z.string(), z.number()).optional(),
  evaluations: z.array(
    z.object({
      status: z.string(),
      cause: z.string().nullable(),
      log: z.string(),
      performance: z.object({ latency_ms: z.number(), reference_latency_ms: z.number() }).nullable(),
      build: z.unknown(),
      checks: z.array(z.object({ check: z.string(), passed: z.boolean().nullable(), detail: z.string().nullable() })),
    }),
  ),
})
export type Verdict = z.infer<typeof Verdict>

/** What KernelBench's own check said of one candidate. */
export const Baseline = z.object({
  compiled: z.boolean(),
  correct: z.boolean(),
  ms: z.number(),
  reference_ms: z.number(),
  seconds: z.number(),
})

/** The file of results. */
export const Results = z.object({
  ours: z
    .object({
      seconds: z.number(),
      verdicts: z.array(Verdict),
      /** Per cent, five times a second; what is missing was not looked at. */
      gpu: z.array(z.number()).default([]),
    })
    .nullable(),
  baseline: z.record(z.string(), Baseline.extend({ wall_seconds: z.number() })),
})
export type Results = z.infer<typeof Results>

/** What an earlier run left there. */
export async function readResults(path: string): Promise<Results> {
  if (!existsSync(path)) return { ours: null, baseline: {} }
  return Results.parse(JSON.parse(await readFile(path, 'utf8')))
}
