import type { PairingMethod } from '../types.ts'
import { atenOverride } from './aten-override.ts'
import { benchmarkTwin } from './benchmark-twin.ts'
import { eagerTwin } from './eager-twin.ts'
import { modelSibling } from './model-sibling.ts'
import { operatorRegistration } from './operator-registration.ts'
import { providerSwitch } from './provider-switch.ts'
import { testComparison } from './test-comparison.ts'

/** Ways to find a kernel's PyTorch reference: one line each, in order of trust. */
export const pairingMethods = {
  'test-comparison': testComparison,
  'aten-override': atenOverride,
  'model-sibling': modelSibling,
  'provider-switch': providerSwitch,
  'benchmark-twin': benchmarkTwin,
  'operator-registration': operatorRegistration,
  'eager-twin': eagerTwin,
} satisfies Record<string, PairingMethod>
