import { z } from 'zod'
import type { RecordFilter } from './types.ts'
import { keep, refuse } from './verdict.ts'

const Options = z.strictObject({
  max_failed: z
    .int()
    .min(0)
    .nullable()
    .default(0)
    .describe('Checks of the validator that may fail, each counted once for all workloads; null for any number'),
  ignore: z
    .array(z.string())
    .default(['backward', 'other-shapes'])
    .describe(
      'Checks that do not count, without version: a kernel for forward alone, or for the sizes it was asked for, breaks no contract',
    ),
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
  version: 3,
  kind: 'record',
  summary: 'Keeps candidates that break none, or few, of the contracts that the validator checks',
  options: Options,
  decide({ facts: { contracts_failed, failed_contracts } }, { max_failed, ignore, require, unchecked }) {
    if (contracts_failed === null) return unchecked === 'keep' ? keep(null, max_failed) : refuse('unchecked', null)
    const failed = (failed_contracts ?? '').split(',').filter((name) => name !== '')
    const broken = require.find((name) => failed.some((item) => nameOf(item) === name))
    const counted = failed.filter((item) => !ignore.includes(nameOf(item)))
    if (broken !== undefined) return refuse('contract_broken', broken, counted.length, max_failed)
    if (max_failed === null || counted.length <= max_failed) return keep(counted.length, max_failed)
    return refuse('contracts_broken', counted.join(','), counted.length, max_failed)
  },
}

function nameOf(check: string): string {
  return check.replace(/@\d+$/, '')
}
