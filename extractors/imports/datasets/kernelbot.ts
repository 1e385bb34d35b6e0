import { z } from 'zod'
import { NOTHING_ELSE } from '../columns.ts'
import type { DatasetMapping } from './types.ts'

/**
 * What people handed in to competitions: `custom_kernel(data)`, for tasks named after the competition that take its
 * inputs one by one.
 */
export const kernelbot: DatasetMapping = {
  id: 'kernelbot',
  version: 1,
  summary: 'GPUMODE/kernelbot-data: entries of kernel competitions (parquet)',
  options: z.strictObject({}),
  repository: 'GPUMODE/kernelbot-data',
  address: 'https://huggingface.co/datasets/GPUMODE/kernelbot-data',
  schema_from: 'https://github.com/gpu-mode/kernelbot (src/libkernelbot/hf_export.py)',
  columns: {
    ...NOTHING_ELSE,
    task: '{problem_name}',
    code: '{code}',
  },
  program: 'custom_kernel',
  origin: 'imported',
  generator: null,
  license: null,
  unavailable: ['utils'],
}
