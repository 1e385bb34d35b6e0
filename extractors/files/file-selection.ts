import { extname } from 'node:path'
import picomatch from 'picomatch'
import type { RepositoryFile } from '../types.ts'

/** Which files of a repository are read. */
export interface SelectionOptions {
  /** Glob patterns a path must match one of, and none of. */
  readonly include: readonly string[]
  readonly exclude: readonly string[]
  /** File endings with the dot; files with others are none of our business and are passed over in silence. */
  readonly extensions: ReadonlySet<string>
  readonly maxFileBytes: number
  readonly maxFiles: number
  /** Whether files in folders that hold other people's code are read too; they are refused where this is absent. */
  readonly vendored?: boolean
}

/** A file that was not read, and why. */
export interface RefusedFile {
  readonly path: string
  readonly reason: string
  readonly detail: string | null
}

/** Sorts a repository's files into those to read and those to refuse, in order of path. */
export function selectFiles(
  files: readonly RepositoryFile[],
  options: SelectionOptions,
): { selected: RepositoryFile[]; refused: RefusedFile[] } {
  const isWanted = pathMatcher(options)
  const selected: RepositoryFile[] = []
  const refused: RefusedFile[] = []
  for (const file of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
    // First of all: patterns match no path with a `..` or a line end in it, and it would be passed over in silence.
    const unsafe = pathProblem(file.path)
    const problem = unsafe ?? (isWanted(file.path) ? problemWith(file, options) : 'not wanted')
    if (problem === 'not wanted') continue
    if (problem !== null) refused.push({ path: file.path, ...problem })
    else if (selected.length < options.maxFiles) selected.push(file)
    else refused.push({ path: file.path, reason: 'too_many_files', detail: `more than ${options.maxFiles} files` })
  }
  return { selected, refused }
}

function pathMatcher({ include, exclude }: SelectionOptions): (path: string) => boolean {
  const settings = { dot: true, nonegate: true }
  const isIncluded = picomatch([...include], settings)
  const isExcluded = exclude.length === 0 ? () => false : picomatch([...exclude], settings)
  return (path) => isIncluded(path) && !isExcluded(path)
}

type Problem = { readonly reason: string; readonly detail: string | null }

function problemWith(file: RepositoryFile, options: SelectionOptions): Problem | null | 'not wanted' {
  if (file.special === 'tree_absent') return { reason: file.special, detail: 'the repository lacks this folder' }
  if (file.special !== null) return { reason: file.special, detail: 'listed, never followed' }
  if (!options.extensions.has(extname(file.path))) return 'not wanted'
  const folder = file.path.split('/').find((part) => VENDORED.has(part.toLowerCase()))
  if (folder !== undefined && options.vendored !== true) return { reason: 'vendored', detail: `in a folder ${folder}` }
  if (file.numBytes > options.maxFileBytes) {
    return { reason: 'file_too_large', detail: `${file.numBytes} bytes, the limit is ${options.maxFileBytes}` }
  }
  return null
}

// Git itself stores such names; nothing that makes a path of them may see one.
function pathProblem(path: string): Problem | null {
  const detail = unsafePart(path)
  return detail === null ? null : { reason: 'unsafe_path', detail }
}

function unsafePart(path: string): string | null {
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(path)) return 'control character in the path'
  if (path.includes('\ufffd')) return 'path is not UTF-8'
  if (path.startsWith('/') || path.includes('\\') || /^[A-Za-z]:/.test(path)) return 'absolute path or backslash'
  const bad = path
    .split('/')
    .find((part) => part === '..' || part === '.' || part === '' || part.toLowerCase() === '.git')
  return bad === undefined ? null : `path part ${JSON.stringify(bad)}`
}

// Folder names that hold other people's code by the custom of C++, Go, PHP, JavaScript and Python projects.
const VENDORED = new Set([
  'third_party',
  'third-party',
  'thirdparty',
  '3rdparty',
  '3rd_party',
  'vendor',
  'vendored',
  '_vendor',
  'node_modules',
  'site-packages',
])
