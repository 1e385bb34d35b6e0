import { posix } from 'node:path'
import type { Repository, RepositoryFile } from '../types.ts'
import { joinLicenses, normalizeExpression } from './license-expression.ts'
import { licenseInHeader } from './license-header.ts'
import type { HeaderLicense } from './license-header.ts'
import { identifyNotice } from './license-notices.ts'
import { identifyLicense } from './license-texts.ts'

/** The licence that holds for a file, and what says so; see the fields of the same names in a kernel's provenance. */
export interface LicenseFinding {
  readonly license: string | null
  readonly license_evidence: string | null
}

/** Finds the licence of files of one repository. */
export interface LicenseFinder {
  /** The file's own header first, then the nearest licence text upwards, then what the package declares, then nothing. */
  find(path: string, text: string): LicenseFinding
  /** The same for a file whose header was read before. */
  findBelow(path: string, header: HeaderLicense | null): LicenseFinding
  /** What holds at the root: the licence of the repository as a whole. */
  readonly repository: LicenseFinding
}

const MAX_LICENSE_BYTES = 1_000_000

/** Reads the licence texts of a repository. */
export async function openLicenseFinder(
  repository: Repository,
  files: readonly RepositoryFile[],
): Promise<LicenseFinder> {
  const paths = files
    .filter(({ path, special, numBytes }) => special === null && numBytes <= MAX_LICENSE_BYTES && isLicensePath(path))
    .map(({ path }) => path)
  const texts = new Map<string, string>()
  for await (const { path, content } of repository.readFiles(paths)) {
    if (content !== null) texts.set(path, content.toString('utf8'))
  }
  return licenseFinder(texts, repository.declaredLicense ?? null)
}

/** The finder over licence texts that were read; `declared` is what metadata beside them says. */
export function licenseFinder(
  texts: ReadonlyMap<string, string>,
  declared: LicenseFinding | null = null,
): LicenseFinder {
  const byFolder = Map.groupBy([...texts.keys()].toSorted(byName), folderOf)
  const known = new Map<string, LicenseFinding | null>()

  function ofFolder(folder: string): LicenseFinding | null {
    const cached = known.get(folder)
    if (cached !== undefined) return cached
    const paths = byFolder.get(folder)
    const parent = folder === '.' ? null : posix.dirname(folder)
    const own = paths === undefined ? null : findingOf(paths, texts)
    const finding = own ?? (parent === null ? null : ofFolder(parent))
    known.set(folder, finding)
    return finding
  }
  const unlicensed = declared ?? { license: null, license_evidence: null }
  const findBelow: LicenseFinder['findBelow'] = (path, header) => {
    if (header !== null) return { license: header.license, license_evidence: 'header' }
    return ofFolder(posix.dirname(path)) ?? unlicensed
  }
  return {
    find: (path, text) => findBelow(path, licenseInHeader(text)),
    findBelow,
    repository: ofFolder('.') ?? unlicensed,
  }
}

const LICENSE_FILE = /^(?:licen[cs]e|copying|unlicense)(?:$|[.-])/i

function isLicensePath(path: string): boolean {
  const inFolder = posix.basename(posix.dirname(path)) === 'LICENSES'
  return inFolder || (LICENSE_FILE.test(posix.basename(path)) && !/\.(?:py|ts|js|cu|cpp|h|json|ya?ml)$/i.test(path))
}

// A text in `LICENSES/` (https://reuse.software) holds for the folder that `LICENSES` stands in.
function folderOf(path: string): string {
  const folder = posix.dirname(path)
  return posix.basename(folder) === 'LICENSES' ? posix.dirname(folder) : folder
}

/**
 * One licence text speaks alone. `LICENSE-MIT` beside `LICENSE-APACHE` offers a choice, as is the custom of Rust; any other set of
 * texts, such as LICENSE beside COPYING, holds together. A text nobody knows makes the whole unknown.
 */
function findingOf(paths: readonly string[], texts: ReadonlyMap<string, string>): LicenseFinding | null {
  const direct = paths.filter((path) => posix.basename(posix.dirname(path)) !== 'LICENSES')
  const used = direct.length > 0 ? direct : paths
  const licenses = used.map((path) => joinLicenses(identified(path, texts.get(path) ?? '')))
  const isChoice =
    used.length > 1 && direct.length > 0 && used.every((path) => /^licen[cs]e-[a-z]/i.test(posix.basename(path)))
  const license = isChoice && licenses.every((found) => found !== null) ? anyOf(licenses) : joinLicenses(licenses)
  return { license, license_evidence: used.join(', ') }
}

// Files in `LICENSES/` are named by their licence; a text that was filled in or translated still has the name.
function identified(path: string, text: string): (string | null)[] {
  const found = [text, ownTerms(text)].map(identifyLicense).find((licenses) => licenses.length > 0)
  if (found !== undefined) return found
  // The notice that a licence asks for, where its text should stand.
  const noticed = text.length <= MAX_NOTICE_CHARACTERS ? identifyNotice(text) : []
  if (noticed.length > 0) return noticed
  const named = posix.basename(posix.dirname(path)) === 'LICENSES' ? posix.basename(path).replace(/\.[a-z]+$/, '') : ''
  return [named === '' ? null : normalizeExpression(named)]
}

const MAX_NOTICE_CHARACTERS = 1500

// Below a rule, many texts list whose code the project took over and under which licence; those files say so themselves.
function ownTerms(text: string): string {
  const rule = /^[ \t]*[-=*_]{20,}[ \t]*$/m.exec(text)
  if (rule === null) return text
  const below = text.slice(rule.index + rule[0].length).trimStart()
  return TAKEN_OVER.test(below.slice(0, 500)) && !RESTRICTING.test(below) ? text.slice(0, rule.index) : text
}

const TAKEN_OVER = /third[- ]party|adapted from|other open[- ]source|borrowed from/i
// Words of terms, which no list of components has.
const RESTRICTING =
  /\b(?:train(?:ing)?|prohibit\w*|forbid\w*|non-?commercial|(?:must|shall|may) not|permitted only|restrict\w*)\b/i

function anyOf(licenses: readonly (string | null)[]): string | null {
  return normalizeExpression([...new Set(licenses)].map((license) => `(${license})`).join(' OR '))
}

function byName(a: string, b: string): number {
  return a < b ? -1 : 1
}
