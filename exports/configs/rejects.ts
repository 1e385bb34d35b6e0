import { z } from 'zod'
import { rejects as table } from '../../pipelines/core/records/reject.ts'
import { rowOf } from '../../pipelines/core/table.ts'
import type { DatasetConfig } from '../types.ts'

/** What did not make it, so that every cut can be questioned. Written with every dataset. */
export const rejects: DatasetConfig<Record<string, never>> = {
  id: 'rejects',
  version: 1,
  summary: 'What the stages did not pass on, with who refused it and why',
  options: z.strictObject({}),
  columns: table.columns,
  async *rows(dataset) {
    for await (const reject of dataset.rejects()) yield { taskId: null, row: rowOf(table, reject).row }
  },
}
