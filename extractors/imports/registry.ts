import type { ImportFormat } from '../types.ts'

/** File formats that model outputs are imported from: one line each. */
export const importFormats = {} satisfies Record<string, ImportFormat>
