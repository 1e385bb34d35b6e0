import { z } from 'zod'
import { CurateError } from '../../pipelines/core/errors.ts'
import { sha256 } from '../../pipelines/core/hash.ts'
import { pluginName } from '../../pipelines/core/plugin.ts'
import type { Enabled } from '../../pipelines/core/plugin.ts'
import { normalizeSource } from '../../pipelines/core/source-text.ts'
import { decodeText } from '../files/file-text.ts'
import { HOLE } from '../files/python-strings.ts'
import { textParts } from '../files/text-parts.ts'
import type { TextPart } from '../files/text-parts.ts'
import { licenseInHeader } from '../licenses/license-header.ts'
import type { FoundKernels, KernelSpan, Language } from '../types.ts'

/** Raised by every change to how files are searched that no version of a language tells: what was cached before is not used. */
export const FILE_MINING_VERSION = 2

/** What mining finds in one file, by itself: it depends on the file's path and bytes and on the languages, and can be kept as JSON. */
export const MinedFile = z.object({
  /** Why the file was not searched; null where it was. */
  refused: z.string().nullable(),
  /** The licence its header names; null where it names none. */
  header: z.object({ license: z.string().nullable() }).nullable(),
  kernels: z.array(
    z.object({
      language: z.string(),
      extractor: z.string(),
      symbol: z.string(),
      signature: z.string(),
      content: z.string(),
      content_sha256: z.string(),
      autotune_configs: z.int(),
      start_line: z.int(),
      end_line: z.int(),
      cell: z.int().nullable(),
    }),
  ),
  uses: z.array(
    z.object({
      symbol: z.string(),
      kind: z.enum(['launch', 'host', 'device']),
      line: z.int(),
      function: z.string().nullable(),
      module: z.string().nullable(),
    }),
  ),
  skipped: z.array(z.object({ symbol: z.string(), line: z.int(), reason: z.string(), by: z.string() })),
})
export type MinedFile = z.infer<typeof MinedFile>

/**
 * Searches one file with each language that reads files, cells or strings like those in it. A file that the search fails on is
 * refused; what is no fault of the file's is thrown.
 */
export async function mineFile(
  path: string,
  content: Buffer | null,
  languages: readonly Enabled<Language>[],
): Promise<MinedFile> {
  try {
    return await searchFile(path, content, languages)
  } catch (error) {
    if (error instanceof CurateError) throw error
    // A stack or the parser's memory that the file used up.
    const isTooHard = error instanceof Error && ['RangeError', 'RuntimeError'].includes(error.name)
    return refusedFile(isTooHard ? 'too_hard_to_parse' : 'search_failed')
  }
}

/** A file in which nothing was looked for, or nothing could be. */
export function refusedFile(reason: string): MinedFile {
  return { refused: reason, header: null, kernels: [], uses: [], skipped: [] }
}

async function searchFile(
  path: string,
  content: Buffer | null,
  languages: readonly Enabled<Language>[],
): Promise<MinedFile> {
  const { text, reason } = decodeText(content)
  if (text === null) return refusedFile(reason)
  const parts = await textParts(path, text)
  if (parts === null) return refusedFile('invalid_notebook')
  const mined: MinedFile = { refused: null, header: null, kernels: [], uses: [], skipped: [] }
  for (const part of parts) {
    for (const language of languages) {
      if (language.plugin.extensions.includes(part.extension)) await minePart(path, part, language, mined)
    }
  }
  return mined.kernels.length === 0 ? mined : { ...mined, header: licenseInHeader(text) }
}

async function minePart(
  path: string,
  part: TextPart,
  { plugin, options }: Enabled<Language>,
  into: MinedFile,
): Promise<void> {
  const by = pluginName(plugin)
  const found = await plugin.findKernels({ path, text: part.text }, options)
  const { kernels, skipped } = part.kind === 'string' ? withoutTemplates(part, found) : found
  const lines = kernels.length === 0 ? [] : part.text.split('\n')
  for (const span of kernels) into.kernels.push(toMinedKernel(part, lines, span, { language: plugin.id, by }))
  for (const use of found.uses) into.uses.push({ ...use, line: part.placeOf(use.line).line })
  for (const { symbol, line, reason } of skipped)
    into.skipped.push({ symbol, line: part.placeOf(line).line, reason, by })
}

type FileKernel = MinedFile['kernels'][number]

function toMinedKernel(
  { placeOf }: TextPart,
  lines: readonly string[],
  { symbol, signature, startLine, endLine, autotuneConfigs }: KernelSpan,
  { language, by }: { readonly language: string; readonly by: string },
): FileKernel {
  const content = lines.slice(startLine - 1, endLine).join('\n')
  const [start, end] = [placeOf(startLine), placeOf(endLine)]
  return {
    language,
    extractor: by,
    symbol,
    signature,
    content,
    content_sha256: sha256(normalizeSource(content, language)),
    autotune_configs: autotuneConfigs,
    start_line: start.line,
    end_line: Math.max(start.line, end.line),
    cell: start.cell,
  }
}

// A string that the program completes before anything compiles it is no kernel yet. Prose that mentions a mark is nothing.
function withoutTemplates(
  { text }: TextPart,
  { kernels, skipped }: FoundKernels,
): Pick<FoundKernels, 'kernels' | 'skipped'> {
  const lines = text.split('\n')
  const isTemplate = (startLine: number, endLine: number): boolean =>
    TEMPLATE.test(lines.slice(startLine - 1, endLine).join('\n'))
  const templates = kernels.filter(({ startLine, endLine }) => isTemplate(startLine, endLine))
  const unnamed = skipped.filter(({ line, reason }) => reason === 'unreadable_signature' && isTemplate(line, line + 1))
  return {
    kernels: kernels.filter((span) => !templates.includes(span)),
    skipped: [
      ...skipped.filter(({ reason }) => reason !== 'unreadable_signature'),
      ...unnamed.map((each) => ({ ...each, reason: 'kernel_template' })),
      ...templates.map(({ symbol, startLine }) => ({ symbol, line: startLine, reason: 'kernel_template' })),
    ],
  }
}

// What an f-string fills in, `str.format` (whose own braces are doubled), Jinja.
const TEMPLATE = new RegExp(`${HOLE}|\\)\\s*\\{\\{|\\{%|\\{\\{ \\w[\\w.]* \\}\\}`)
