import { mkdir, open, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { z } from 'zod'
import { temporaryName } from '../../pipelines/core/atomic-file.ts'
import { CurateError, messageOf, systemCodeOf } from '../../pipelines/core/errors.ts'
import { sha256OfFile } from '../../pipelines/core/hash.ts'
import { findCodeBlocks } from '../imports/code-blocks.ts'
import { importFormats } from '../imports/registry.ts'
import { rowFiles } from '../imports/row-files/registry.ts'
import type { RowFilesMapping } from '../imports/row-files/types.ts'
import { fillTemplate, isObject, lookUp, pathsOf } from '../imports/templates.ts'
import type { ImportFormat, Repository, RepositoryFile, Source, SourceContext } from '../types.ts'

const Options = z.strictObject({
  path: z.string().min(1).describe('File of the dataset; where it is relative, to the folder curate runs in'),
  format: z.enum(['parquet', 'arrow', 'json', 'jsonl']).describe('Format of the file'),
  dataset: z.enum(Object.keys(rowFiles)).describe('Published dataset whose columns are known (`curate list`)'),
})
type Options = z.infer<typeof Options>

/** Source files that a published dataset holds, one per row: read as a repository whose paths begin with where each is from. */
export const rows: Source<Options> = {
  id: 'rows',
  version: 1,
  summary: 'Source files in the rows of a published dataset',
  options: Options,
  nameOf: (options) => mappingOf(options).repository,
  resolve: (options) => hashOf(resolve(options.path)),
  open: openRows,
}

async function openRows(options: Options, commitSha: string, context: SourceContext): Promise<Repository> {
  const mapping = mappingOf(options)
  const path = resolve(options.path)
  if ((await hashOf(path)) !== commitSha) {
    throw new CurateError('file_changed', `${path} holds something else than when it was first read`, {
      hint: 'Run with --update to take it as it is now.',
    })
  }
  const texts = await openTextStore(context.cacheDirectory)
  let listed: Promise<RepositoryFile[]> | undefined
  async function listFiles(): Promise<RepositoryFile[]> {
    const files: RepositoryFile[] = []
    for await (const file of readRows(path, options, mapping, context.signal)) {
      if (file.content !== null) await texts.add(file.path, file.content)
      files.push({ path: file.path, numBytes: file.content?.length ?? 0, special: null })
    }
    return files
  }
  return {
    name: mapping.repository,
    url: mapping.address,
    commitSha,
    declaredLicense: mapping.license === null ? null : { license: mapping.license, license_evidence: mapping.address },
    listFiles: () => (listed ??= listFiles()),
    async *readFiles(paths) {
      await (listed ??= listFiles())
      for (const each of paths) yield { path: each, content: await texts.read(each) }
    },
    history: async () => [],
    close: () => texts.close(),
  }
}

// Who mines asks for files by path, the dataset has them by row: read once, they wait on disk for their turn.
async function openTextStore(directory: string) {
  await mkdir(directory, { recursive: true })
  const path = temporaryName(join(directory, 'rows'))
  const file = await open(path, 'w+')
  const places = new Map<string, { readonly offset: number; readonly length: number }>()
  let end = 0
  return {
    async add(name: string, content: Buffer): Promise<void> {
      places.set(name, { offset: end, length: content.length })
      await file.write(content, 0, content.length, end)
      end += content.length
    },
    async read(name: string): Promise<Buffer | null> {
      const place = places.get(name)
      if (place === undefined) return null
      const { buffer } = await file.read(Buffer.alloc(place.length), 0, place.length, place.offset)
      return buffer
    },
    async close(): Promise<void> {
      await file.close()
      await rm(path, { force: true })
    },
  }
}

interface RowFile {
  readonly path: string
  readonly content: Buffer | null
}

async function* readRows(
  path: string,
  { format }: Options,
  mapping: RowFilesMapping,
  signal: AbortSignal,
): AsyncGenerator<RowFile> {
  const plugin: ImportFormat = importFormats[format]
  const columns = [mapping.path, mapping.text].flatMap(pathsOf).concat(Object.keys(mapping.only))
  const seen = new Set<string>()
  for await (const row of plugin.read(path, plugin.options.parse({}), columns)) {
    signal.throwIfAborted()
    const file = 'value' in row ? fileOf(row.value, row.row, mapping) : { path: `rows/${row.row}`, content: null }
    if (file === null) continue
    // The same file at two commits, or two files of one name: the row tells them apart.
    const name = seen.has(file.path) ? `row-${row.row}/${file.path}` : file.path
    seen.add(name)
    yield { path: name, content: file.content }
  }
}

function fileOf(value: unknown, number: number, { path, text, is_answer, only }: RowFilesMapping): RowFile | null {
  if (!isObject(value)) return { path: `rows/${number}`, content: null }
  const row = { ...value, '#': number }
  if (Object.entries(only).some(([column, expected]) => lookUp(row, column) !== expected)) return null
  const name = fillTemplate(row, path).text ?? `rows/${number}`
  const content = fillTemplate(row, text).text
  return {
    path: withoutExtraSlashes(name),
    content: content === null ? null : Buffer.from(is_answer ? codeIn(content) : content),
  }
}

// Paths of a row often begin with a slash. What climbs out of its folder stays as it is: it is refused, and seen.
function withoutExtraSlashes(path: string): string {
  return path.replaceAll(/\/{2,}/g, '/')
}

// Answers of models are often one fenced block with a sentence around it.
function codeIn(text: string): string {
  const blocks = findCodeBlocks(text).filter(({ isComplete }) => isComplete)
  return blocks.length === 0 ? text : blocks.map((block) => block.text).join('\n')
}

function mappingOf({ dataset }: Options): RowFilesMapping {
  const known: Readonly<Record<string, RowFilesMapping>> = rowFiles
  const mapping = known[dataset]
  if (mapping === undefined) throw new TypeError(`there is no mapping ${dataset}`)
  return mapping
}

async function hashOf(path: string): Promise<string> {
  try {
    return await sha256OfFile(path)
  } catch (error) {
    if (systemCodeOf(error) === null) throw error
    throw new CurateError('file_not_found', `${path} cannot be read: ${messageOf(error)}`, {
      hint: 'Check `path` of the source in the recipe.',
      cause: error,
    })
  }
}
