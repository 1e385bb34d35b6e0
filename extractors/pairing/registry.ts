import type { PairingMethod } from '../types.ts'

/** Ways to find a kernel's PyTorch reference: one line each, in order of trust. */
export const pairingMethods = {} satisfies Record<string, PairingMethod>
