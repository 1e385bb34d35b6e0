import { z } from 'zod'
import type { RowFilesMapping } from './types.ts'

/** Files of public repositories. The dataset itself holds ids alone: `content` is what a download from Software Heritage adds. */
export const theStackV2: RowFilesMapping = {
  id: 'the-stack-v2',
  version: 1,
  summary: 'bigcode/the-stack-v2: files of repositories, with their content',
  options: z.strictObject({}),
  repository: 'bigcode/the-stack-v2',
  address: 'https://huggingface.co/datasets/bigcode/the-stack-v2',
  schema_from: 'https://huggingface.co/datasets/Reset23/the-stack-v2-cpp (the same columns, with content)',
  path: '{repo_name}/{path}',
  text: '{content}',
  is_answer: false,
  only: {},
  license: null,
}
