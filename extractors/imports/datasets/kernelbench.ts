import { z } from 'zod'
import { NOTHING_ELSE } from '../columns.ts'
import type { DatasetMapping } from './types.ts'

/**
 * The benchmark itself: tasks alone, for outputs that name them, such as those of `kernelbench-samples`. Nothing to
 * train on.
 */
export const kernelbench: DatasetMapping = {
  id: 'kernelbench',
  version: 1,
  summary: 'ScalingIntelligence/KernelBench: the tasks of the benchmark (parquet)',
  options: z.strictObject({}),
  repository: 'ScalingIntelligence/KernelBench',
  address: 'https://huggingface.co/datasets/ScalingIntelligence/KernelBench',
  schema_from: 'https://huggingface.co/datasets/makora-ai/KernelMiniBench (the same columns) and the benchmark’s code',
  columns: {
    ...NOTHING_ELSE,
    task: 'kernelbench/level_{level}/{problem_id}',
    reference: '{code}',
  },
  program: 'module',
  origin: 'imported',
  generator: null,
  license: 'MIT',
  unavailable: [],
}
