import { z } from 'zod'
import { NOTHING_ELSE } from '../columns.ts'
import type { DatasetMapping } from './types.ts'

/**
 * CUDA extensions that agents wrote for KernelBench. Each exports `forward`, which the functional program of the row
 * calls; failed ones are candidates as well. Known to hold kernels that game their test.
 */
export const aiCudaEngineer: DatasetMapping = {
  id: 'ai-cuda-engineer',
  version: 1,
  summary: 'SakanaAI/AI-CUDA-Engineer-Archive: CUDA extensions for KernelBench (parquet)',
  options: z.strictObject({}),
  repository: 'SakanaAI/AI-CUDA-Engineer-Archive',
  address: 'https://huggingface.co/datasets/SakanaAI/AI-CUDA-Engineer-Archive',
  schema_from: 'the dataset’s card',
  columns: {
    ...NOTHING_ELSE,
    task: 'ai-cuda-engineer/level_{Level_ID}/{Task_ID}',
    reference: '{PyTorch_Code_Module}',
    code: '{CUDA_Code}',
    functional: '{PyTorch_Code_Functional}',
  },
  program: 'cuda_extension',
  origin: 'imported',
  generator: 'AI CUDA Engineer',
  license: 'CC-BY-4.0',
  unavailable: [],
}
