import { z } from 'zod'
import type { RecordFilter } from './types.ts'
import { keep, refuse } from './verdict.ts'

const Options = z.strictObject({
  max_failed: z
    .int()
    .min(0)
    .nullable()
    .default(0)
    .describe('Findings of the validator that may fail, over all workloads; null for any number'),
  require: z
    .array(z.string())
    .default([])
    .describe('Checks that may not fail whatever `max_failed` says, without version: `inputs-untouched`'),
  unchecked: z.enum(['keep', 'refuse']).default('keep').describe('What happens to candidates nobody checked'),
})
type Options = z.infer<typeof Options>

/** Keeps what holds beside the values: inputs untouched, special values, layouts, repetition. */
export const contracts: RecordFilter<Options> = {
  id: 'contracts',
  version: 1,
  kind: 'record',
  summary: 'Keeps candidates that break none, or few, of the contracts that the validator checks',
  options: Options,
  decide({ facts: { contracts_failed, failed_contracts } }, { max_failed, require, unchecked }) {
    if (contracts_failed === null) return unchecked === 'keep' ? keep(null, max_failed) : refuse('unchecked', null)
    const names = (failed_contracts ?? '').split(',').map((name) => name.replace(/@\d+$/, ''))
    const broken = require.find((name) => names.includes(name))
    if (broken !== undefined) return refuse('contract_broken', broken, contracts_failed, max_failed)
    if (max_failed === null || contracts_failed <= max_failed) return keep(contracts_failed, max_failed)
    return refuse('contracts_broken', failed_contracts, contracts_failed, max_failed)
  },
}
