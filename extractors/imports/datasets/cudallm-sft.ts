import { z } from 'zod'
import { NOTHING_ELSE } from '../columns.ts'
import type { DatasetMapping } from './types.ts'

/** Answers of DeepSeek-R1 with their traces. The task is the last program of the prompt. */
export const cudallmSft: DatasetMapping = {
  id: 'cudallm-sft',
  version: 1,
  summary: 'ByteDance-Seed/cudaLLM-data: CUDA answers with reasoning, sft_cuda_llm_r1.parquet',
  options: z.strictObject({}),
  repository: 'ByteDance-Seed/cudaLLM-data',
  address: 'https://huggingface.co/datasets/ByteDance-Seed/cudaLLM-data',
  schema_from:
    'the authors’ training script (`data.prompt_key=prompts`, `data.response_key=responses`); types are not documented',
  columns: {
    ...NOTHING_ELSE,
    task: 'cudallm/{#}',
    reference: '{prompts}',
    code: '{responses}',
  },
  program: 'module',
  origin: 'imported',
  generator: 'DeepSeek-R1',
  license: 'Apache-2.0',
  unavailable: [],
}
