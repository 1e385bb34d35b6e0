import type { DatasetConfig } from '../types.ts'

/** Configs of the published dataset: one line each. */
export const datasetConfigs = {} satisfies Record<string, DatasetConfig>
