import { z } from 'zod'
import type { RecordFilter, Subject, Verdict } from './types.ts'
import { keep, refuse } from './verdict.ts'

const Options = z.strictObject({
  min_workloads: z.int().min(0).default(1).describe('Workloads that must have judged it'),
  hardware: z
    .array(z.string())
    .default([])
    .describe('Words of which one must be in the name of the hardware, such as `H100`; empty for any'),
  max_relative_interval: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe(
      'Widest 95 % interval of the speedup over eager mode, as a share of it; null for any, and for untimed ones',
    ),
  min_pairing_confidence: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe('How surely the reference of mined code must mean the same'),
})
type Options = z.infer<typeof Options>

/** Keeps what was judged well enough for the claims that its row makes. */
export const evidence: RecordFilter<Options> = {
  id: 'evidence',
  version: 1,
  kind: 'record',
  summary: 'Keeps candidates judged on enough workloads, on the hardware named, and timed sharply enough',
  options: Options,
  decide: ({ facts }, options) => refuseJudgement(facts, options) ?? refuseTiming(facts, options) ?? keep(),
}

function refuseJudgement(facts: Subject['facts'], options: Options): Verdict | null {
  const { num_workloads, hardware, pairing_confidence } = facts
  if (num_workloads !== null && num_workloads < options.min_workloads) {
    return refuse('few_workloads', null, num_workloads, options.min_workloads)
  }
  if (options.hardware.length > 0 && !options.hardware.some((word) => hardware?.includes(word) === true)) {
    return refuse('other_hardware', hardware)
  }
  if (pairing_confidence === null || pairing_confidence >= options.min_pairing_confidence) return null
  return refuse('uncertain_reference', null, pairing_confidence, options.min_pairing_confidence)
}

function refuseTiming(facts: Subject['facts'], { max_relative_interval }: Options): Verdict | null {
  const { speedup_eager: middle, speedup_eager_ci_low: low, speedup_eager_ci_high: high } = facts
  if (max_relative_interval === null || middle === null || low === null || high === null) return null
  const width = (high - low) / middle
  return width <= max_relative_interval ? null : refuse('wide_interval', null, width, max_relative_interval)
}
