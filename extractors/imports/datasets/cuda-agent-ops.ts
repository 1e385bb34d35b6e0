import { z } from 'zod'
import { NOTHING_ELSE } from '../columns.ts'
import type { DatasetMapping } from './types.ts'

/** Tasks alone: one to five operators of PyTorch in a row. */
export const cudaAgentOps: DatasetMapping = {
  id: 'cuda-agent-ops',
  version: 1,
  summary: 'BytedTsinghua-SIA/CUDA-Agent-Ops-6K: composed operators (parquet)',
  options: z.strictObject({}),
  repository: 'BytedTsinghua-SIA/CUDA-Agent-Ops-6K',
  address: 'https://huggingface.co/datasets/BytedTsinghua-SIA/CUDA-Agent-Ops-6K',
  schema_from: 'code that reads it: `ops`, `data_source`, `code`',
  columns: {
    ...NOTHING_ELSE,
    task: 'cuda-agent-ops/{data_source}/{#}',
    reference: '{code}',
  },
  program: 'module',
  origin: 'imported',
  generator: null,
  license: 'CC-BY-4.0',
  unavailable: [],
}
