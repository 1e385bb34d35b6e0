import type { ExportFormat } from '../types.ts'

/** File formats of the published dataset: one line each. */
export const exportFormats = {} satisfies Record<string, ExportFormat>
