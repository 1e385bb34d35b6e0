import { z } from 'zod'
import type { PairingMethod } from '../types.ts'
import { TEST_OPTIONS, pairingSettings } from './pairing-options.ts'
import { maySwitch, providerTests } from './provider-tests.ts'
import { pairTests } from './test-pairing.ts'

const Options = z.strictObject(TEST_OPTIONS)

/**
 * Finds pairs in benchmarks that measure one of several implementations, chosen by a parameter: `torch` against `triton`. The sizes that
 * are measured become workloads.
 */
export const providerSwitch: PairingMethod<z.infer<typeof Options>> = {
  id: 'provider-switch',
  version: 22,
  summary: 'Benchmarks that measure a kernel and PyTorch for the same thing, by a parameter that names which',
  options: Options,
  findPairs: (input, options) =>
    pairTests(input, pairingSettings(options), () => undefined, { mayHold: maySwitch, read: providerTests }),
}
