import { z } from 'zod'
import { NOTHING_ELSE } from '../columns.ts'
import type { DatasetMapping } from './types.ts'

/**
 * Modules of repositories with the Triton code that TorchInductor made of them. Over half of its rows call
 * `extern_kernels` for their main operation; those without any kernel are refused.
 */
export const kernelbook: DatasetMapping = {
  id: 'kernelbook',
  version: 1,
  summary: 'GPUMODE/KernelBook: modules of repositories and TorchInductor’s Triton for them (parquet, json)',
  options: z.strictObject({}),
  repository: 'GPUMODE/KernelBook',
  address: 'https://huggingface.co/datasets/GPUMODE/KernelBook',
  schema_from: 'https://github.com/meta-pytorch/popcorn-kernels (create_dataset.py) and the card',
  columns: {
    ...NOTHING_ELSE,
    task: '{entry_point}',
    reference: '{python_code}',
    reference_class: '{entry_point}',
    code: '{triton_code}',
    code_class: '{entry_point}New',
    repo_name: '{repo_name}',
    commit_sha: '{sha}',
    license: '{licenses|and}',
  },
  program: 'module',
  origin: 'compiled',
  generator: 'TorchInductor',
  license: null,
  unavailable: ['_paritybench_helpers'],
}
