import { lstat, readFile, readdir } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { z } from 'zod'
import { CurateError } from '../../pipelines/core/errors.ts'
import type { ImportFormat } from '../types.ts'
import { readJson } from './json-text.ts'

const Options = z.strictObject({
  layout: z
    .string()
    .default('**.json')
    .describe(
      'Paths to read, relative to the folder: `**` stands for anything, `{name}` for a part without slashes that columns see as `parts.name`',
    ),
  max_file_bytes: z.int().positive().default(16_000_000).describe('Larger files are rejected'),
})

/**
 * A folder of JSON files with one value each: columns see `path`, `parts` (what the layout names) and `content`. Files
 * are read in order of their paths; links are not followed.
 */
export const jsonFiles: ImportFormat<z.infer<typeof Options>> = {
  id: 'json-files',
  version: 2,
  summary: 'A folder of JSON files, one model output each',
  options: Options,
  async *read(folder, { layout, max_file_bytes }) {
    const pattern = patternOf(layout)
    let row = 0
    for (const path of await filesUnder(folder)) {
      const match = pattern.exec(path)
      if (match === null) continue
      row += 1
      const { size } = await lstat(join(folder, path))
      if (size > max_file_bytes) {
        yield { row, reason: 'file_too_large', detail: `${path} has ${size} bytes, more than ${max_file_bytes}` }
        continue
      }
      const read = readJson(row, await readFile(join(folder, path)), path)
      if (read === null) yield { row, reason: 'bad_json', detail: `${path} is empty` }
      else if ('value' in read) yield { row, value: { path, parts: { ...match.groups }, content: read.value } }
      else yield read
    }
  },
}

/** The files of a folder and of those in it, in order of their paths; links are not among them. */
export async function filesUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .sort((a, b) => (a < b ? -1 : 1))
}

function patternOf(layout: string): RegExp {
  const parts = layout.split(/(\*\*|\{[a-z_]+\})/)
  const names = parts.filter((part) => part.startsWith('{'))
  if (new Set(names).size < names.length) {
    throw new CurateError('bad_layout', `the layout ${layout} names a part twice`, {
      hint: 'Give each part of the layout a name of its own.',
    })
  }
  const sources = parts.map((part) => {
    if (part === '**') return '.*'
    return part.startsWith('{')
      ? `(?<${part.slice(1, -1)}>[^/]+)`
      : part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
  })
  return new RegExp(`^${sources.join('')}$`)
}
