import { z } from 'zod'
import { NOTHING_ELSE } from '../columns.ts'
import type { DatasetMapping } from './types.ts'

/**
 * What models answered to KernelBench, one file a sample. Read with `json-files` and the layout
 * `baseline_eval/level{level}/{model}/problem_{problem}/sample_{sample}/kernel.json`; the tasks come from an import of
 * `kernelbench`.
 */
export const kernelbenchSamples: DatasetMapping = {
  id: 'kernelbench-samples',
  version: 1,
  summary: 'ScalingIntelligence/kernelbench-samples: answers to KernelBench (json-files)',
  options: z.strictObject({}),
  repository: 'ScalingIntelligence/kernelbench-samples',
  address: 'https://huggingface.co/datasets/ScalingIntelligence/kernelbench-samples',
  schema_from: 'the dataset’s file tree and code that reads it (the field `kernel`)',
  columns: {
    ...NOTHING_ELSE,
    task: 'kernelbench/level_{parts.level}/{parts.problem}',
    code: '{content.kernel}',
    generator: '{parts.model}',
  },
  program: 'module',
  origin: 'imported',
  generator: null,
  license: 'Apache-2.0',
  unavailable: [],
}
