import { z } from 'zod'
import { NOTHING_ELSE } from '../columns.ts'
import type { DatasetMapping } from './types.ts'

/** Tasks alone: operators composed by models, from cudaLLM. */
export const drkernelRl: DatasetMapping = {
  id: 'drkernel-rl',
  version: 1,
  summary: 'hkust-nlp/drkernel-rl-data: tasks for reinforcement learning (parquet)',
  options: z.strictObject({}),
  repository: 'hkust-nlp/drkernel-rl-data',
  address: 'https://huggingface.co/datasets/hkust-nlp/drkernel-rl-data',
  schema_from: 'the dataset’s card',
  columns: {
    ...NOTHING_ELSE,
    task: 'drkernel-rl/{extra_info.uuid}',
    reference: '{reward_model.ground_truth}',
    reference_class: '{extra_info.entry_point}',
  },
  program: 'module',
  origin: 'imported',
  generator: null,
  license: 'MIT',
  unavailable: [],
}
