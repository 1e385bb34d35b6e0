import { z } from 'zod'
import { NOTHING_ELSE } from '../columns.ts'
import type { DatasetMapping } from './types.ts'

/** Conversations of five turns: each answer is a candidate, and all of a row are one trajectory. */
export const drkernelColdstart: DatasetMapping = {
  id: 'drkernel-coldstart',
  version: 1,
  summary: 'hkust-nlp/drkernel-coldstart-8k: conversations that improve a Triton kernel (parquet)',
  options: z.strictObject({}),
  repository: 'hkust-nlp/drkernel-coldstart-8k',
  address: 'https://huggingface.co/datasets/hkust-nlp/drkernel-coldstart-8k',
  schema_from: 'the dataset’s card',
  columns: {
    ...NOTHING_ELSE,
    task: 'drkernel-coldstart/{uuid}',
    reference: '{original_python_code}',
    reference_class: '{entry_point}',
    turns: 'messages',
  },
  program: 'module',
  origin: 'imported',
  generator: null,
  license: 'MIT',
  unavailable: [],
}
