import { z } from 'zod'
import type { RowFilesMapping } from './types.ts'

/** Triton programs from repositories that nobody names (`train_crawl.json`): what licenses them is not known. */
export const tritonbenchTrain: RowFilesMapping = {
  id: 'tritonbench-train',
  version: 1,
  summary: 'thunlp/TritonBench: train_crawl.json',
  options: z.strictObject({}),
  repository: 'thunlp/TritonBench',
  address: 'https://github.com/thunlp/TritonBench',
  schema_from: 'code that reads it: `code`',
  path: 'rows/{#}.py',
  text: '{code}',
  is_answer: false,
  only: {},
  license: null,
}
