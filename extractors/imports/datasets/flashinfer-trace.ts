import { z } from 'zod'
import { NOTHING_ELSE } from '../columns.ts'
import type { DatasetMapping } from './types.ts'

/**
 * Computations of language models that were served, with the shapes they met, and solutions in Python or Triton. Read
 * with the format of the same name.
 */
export const flashinferTrace: DatasetMapping = {
  id: 'flashinfer-trace',
  version: 1,
  summary: 'flashinfer-ai/flashinfer-trace: computations of served models and their kernels (flashinfer-trace)',
  options: z.strictObject({}),
  repository: 'flashinfer-ai/flashinfer-trace',
  address: 'https://huggingface.co/datasets/flashinfer-ai/flashinfer-trace',
  schema_from: 'https://github.com/flashinfer-ai/flashinfer-bench (flashinfer_bench/data)',
  columns: {
    ...NOTHING_ELSE,
    task: '{task}',
    reference: '{reference}',
    code: '{code?}',
    workloads: 'workloads',
    generator: '{author}',
  },
  program: 'module',
  origin: 'imported',
  generator: null,
  license: 'Apache-2.0',
  unavailable: [],
}
