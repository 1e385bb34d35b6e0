import { z } from 'zod'
import type { ImportFormat } from '../types.ts'

const Options = z.strictObject({})

/** Apache Arrow, as a stream (what `datasets` keeps on disk) or as a file (Feather 2); one record batch is in memory at a time. */
export const arrow: ImportFormat<z.infer<typeof Options>> = {
  id: 'arrow',
  version: 1,
  summary: 'Apache Arrow stream or file, one model output per row',
  options: Options,
  async *read(path, _options, wanted) {
    // A tenth of a second of every start, and few read such files.
    const { readArrowRows } = await import('./arrow-rows.ts')
    yield* readArrowRows(path, wanted)
  },
}
