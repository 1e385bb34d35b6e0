import type { PairingMethod } from '../types.ts'
import { atenOverride } from './aten-override.ts'
import { testComparison } from './test-comparison.ts'

/** Ways to find a kernel's PyTorch reference: one line each, in order of trust. */
export const pairingMethods = {
  'test-comparison': testComparison,
  'aten-override': atenOverride,
} satisfies Record<string, PairingMethod>
