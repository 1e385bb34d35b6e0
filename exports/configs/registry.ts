import type { DatasetConfig } from '../types.ts'
import { rejects } from './rejects.ts'
import { sft } from './sft.ts'

/** Configs of the published dataset, the default one first: one line each. */
export const datasetConfigs = { sft, rejects } satisfies Record<string, DatasetConfig>
