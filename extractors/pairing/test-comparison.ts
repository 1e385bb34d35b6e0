import { z } from 'zod'
import type { PairingMethod } from '../types.ts'
import { TEST_OPTIONS, pairingSettings } from './pairing-options.ts'
import { pairTests } from './test-pairing.ts'

const Options = z.strictObject(TEST_OPTIONS)

/**
 * Finds pairs in tests: a test, a script's main block or a function without arguments that calls a kernel's launcher and compares the
 * result with what PyTorch gives. The backward slices of the two compared values decide which is which; see extractors/README.md.
 */
export const testComparison: PairingMethod<z.infer<typeof Options>> = {
  id: 'test-comparison',
  version: 33,
  summary: 'Tests that compare a kernel with a PyTorch expression or function',
  options: Options,
  findPairs: (input, options) => pairTests(input, pairingSettings(options)),
}
