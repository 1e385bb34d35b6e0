import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { sha256OfFile } from '../pipelines/core/hash.ts'
import type { Column, ParquetRow, ParquetSink } from '../pipelines/core/parquet.ts'
import { pluginName } from '../pipelines/core/plugin.ts'
import type { Enabled } from '../pipelines/core/plugin.ts'
import type { DatasetFile } from '../pipelines/core/records/dataset-file.ts'
import type { Split } from './splits.ts'
import type { ExportFormat } from './types.ts'

/** A finished file with the place it was written to. */
export interface WrittenPart {
  readonly writtenAt: string
  readonly file: DatasetFile
}

/** Writes one config in every format, in files of at most so many rows. */
export interface PartWriter {
  write(split: Split, row: ParquetRow): Promise<void>
  close(): Promise<WrittenPart[]>
}

/** How the files of a config are laid out. */
export interface PartLayout {
  readonly formats: readonly Enabled<ExportFormat>[]
  /** Folder they are written to, under names of its own. */
  readonly directory: string
  readonly maxFileRows: number
  readonly splits: readonly Split[]
  /** What every file says of itself. */
  readonly metadata: Readonly<Record<string, string>>
}

/**
 * Opens the files of a config. They get their names at the end, since `-of-00003` says how many there are;
 * a split without rows is one valid file, so that readers find the schema.
 */
export function openPartWriter(
  config: string,
  columns: readonly Column[],
  { formats, directory, maxFileRows, splits: names, metadata }: PartLayout,
): PartWriter {
  const splits = new Map(names.map((split) => [split, openSplit(split)]))

  function openSplit(split: Split) {
    const parts: Part[][] = []
    let rowsLeft = 0
    async function openNext(): Promise<void> {
      await Promise.all((parts.at(-1) ?? []).map(closePart))
      const opening = formats.map(async ({ plugin, options }): Promise<Part> => {
        const path = join(directory, `${config}-${split}-${parts.length}${plugin.extension}`)
        return { plugin, path, sink: await plugin.open(path, columns, options, metadata), numRows: null }
      })
      parts.push(await Promise.all(opening))
      rowsLeft = maxFileRows
    }
    return {
      async write(row: ParquetRow): Promise<void> {
        if (rowsLeft === 0) await openNext()
        for (const { sink } of parts.at(-1) ?? []) await sink.write(row)
        rowsLeft -= 1
      },
      async close(): Promise<WrittenPart[]> {
        if (parts.length === 0) await openNext()
        await Promise.all((parts.at(-1) ?? []).map(closePart))
        const written = parts.flatMap((part, index) =>
          part.map((each) => describePart(each, config, split, index, parts.length)),
        )
        return Promise.all(written)
      },
    }
  }
  return {
    write: async (split, row) => splits.get(split)?.write(row),
    async close() {
      const written: WrittenPart[] = []
      for (const split of splits.values()) written.push(...(await split.close()))
      return written
    },
  }
}

interface Part {
  readonly plugin: ExportFormat
  readonly path: string
  readonly sink: ParquetSink
  numRows: number | null
}

async function closePart(part: Part): Promise<void> {
  part.numRows ??= await part.sink.close()
}

// The names that `datasets` and the Hub take for splits: https://huggingface.co/docs/hub/datasets-file-names-and-splits
async function describePart(
  { plugin, path, numRows }: Part,
  config: string,
  split: Split,
  index: number,
  count: number,
): Promise<WrittenPart> {
  const name = `${split}-${digits(index)}-of-${digits(count)}${plugin.extension}`
  const { size } = await stat(path)
  const file: DatasetFile = {
    path: `${config}/${name}`,
    config,
    split,
    format: pluginName(plugin),
    num_rows: numRows,
    num_bytes: size,
    sha256: await sha256OfFile(path),
  }
  return { writtenAt: path, file }
}

function digits(count: number): string {
  return String(count).padStart(5, '0')
}
