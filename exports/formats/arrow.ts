import { z } from 'zod'
import type { ExportFormat } from '../types.ts'

const Options = z.strictObject({
  batch_rows: z
    .int()
    .min(1)
    .max(100_000)
    .default(1000)
    .describe('Rows of one record batch: what a reader holds in memory'),
})

/** Arrow's IPC stream, the format `datasets` keeps on disk: read without decoding. */
export const arrow: ExportFormat<z.infer<typeof Options>> = {
  id: 'arrow',
  version: 2,
  summary: 'Arrow IPC stream, for memory mapping by datasets and pyarrow',
  options: Options,
  extension: '.arrow',
  async open(path, columns, { batch_rows }, metadata) {
    // A tenth of a second of every start, and few write such files.
    const { openArrowStream } = await import('./arrow-stream.ts')
    return openArrowStream(path, columns, batch_rows, metadata)
  },
}
