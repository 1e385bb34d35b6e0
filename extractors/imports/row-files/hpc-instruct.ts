import { z } from 'zod'
import type { RowFilesMapping } from './types.ts'

/** Programs that models wrote to statements of problems; only those in CUDA are taken. */
export const hpcInstruct: RowFilesMapping = {
  id: 'hpc-instruct',
  version: 1,
  summary: 'hpcgroup/hpc-instruct: CUDA answers to problems',
  options: z.strictObject({}),
  repository: 'hpcgroup/hpc-instruct',
  address: 'https://huggingface.co/datasets/hpcgroup/hpc-instruct',
  schema_from: 'code that reads it: `language`, `problem statement`, `solution`',
  path: 'rows/{#}.cu',
  text: '{solution}',
  is_answer: true,
  only: { language: 'Cuda' },
  license: 'MIT',
}
