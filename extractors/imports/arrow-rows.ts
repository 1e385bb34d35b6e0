import { MapRow, RecordBatchReader, StructRow, Vector } from 'apache-arrow'
import type { RecordBatch } from 'apache-arrow'
import { createReadStream } from 'node:fs'
import { open } from 'node:fs/promises'
import { CurateError, messageOf, systemCodeOf } from '../../pipelines/core/errors.ts'
import type { ImportedRow } from '../types.ts'
import { missingColumns } from './wanted-columns.ts'

/** The rows of a stream or file, with the columns that are wanted; one record batch is in memory at a time. */
export async function* readArrowRows(path: string, wanted: readonly string[]): AsyncGenerator<ImportedRow> {
  let row = 0
  for await (const batch of readBatches(path)) {
    const names = batch.schema.fields.map((field) => field.name)
    const selected = names.filter((name) => wanted.includes(name))
    if (selected.length === 0) throw missingColumns(path, names, wanted)
    const columns = selected.map((name) => ({ name, vector: batch.getChild(name) }))
    for (let at = 0; at < batch.numRows; at += 1) {
      row += 1
      const value = Object.fromEntries(columns.map(({ name, vector }) => [name, plain(vector?.get(at))]))
      yield { row, value }
    }
  }
}

const FILE_MAGIC = 'ARROW1'

// A file is read through its footer, a stream from its beginning: the library would take a file given as a stream into memory.
async function* readBatches(path: string): AsyncGenerator<RecordBatch> {
  const handle = await open(path)
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(FILE_MAGIC.length), 0, FILE_MAGIC.length, 0)
    const isFile = buffer.toString('latin1', 0, bytesRead) === FILE_MAGIC
    const reader = await (isFile ? RecordBatchReader.from(handle) : RecordBatchReader.from(createReadStream(path)))
    await reader.open()
    if (reader.schema === undefined) throw new TypeError('it holds no schema')
    for await (const batch of reader) yield batch
  } catch (error) {
    if (/^E(?!RR_)/.test(systemCodeOf(error) ?? '') || error instanceof CurateError) throw error
    throw new CurateError('unreadable_arrow', `${path} is not a readable Arrow stream: ${messageOf(error)}`, {
      hint: 'The file is truncated, damaged, compressed or of another format. Get it again, or convert it to Parquet.',
      cause: error,
    })
  } finally {
    await handle.close().catch(() => undefined)
  }
}

// Lists and structs of the library are views into the batch.
function plain(value: unknown): unknown {
  if (value instanceof Vector) return Array.from(value, plain)
  if (value instanceof StructRow || value instanceof MapRow) {
    return Object.fromEntries(Object.entries(value.toJSON()).map(([name, item]) => [name, plain(item)]))
  }
  return value
}
