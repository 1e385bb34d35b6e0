import spdxLicenses from 'spdx-license-list/full.js'

/**
 * Which licence a text is, by its words. Compared are pairs of neighbouring words, as a multiset, with the Sørensen–Dice
 * coefficient: 2 · |A ∩ B| / (|A| + |B|). Copyright lines, punctuation and bullet marks are left out first, following the matching
 * guidelines of SPDX (https://spdx.github.io/spdx-spec/v3.0.1/annexes/license-matching-guidelines-and-templates/).
 *
 * A text is the licence it is nearest to, from 0.93 on and with at most 120 word pairs of its own. The SPDX texts of BSD-2-Clause
 * and BSD-3-Clause reach 0.92 with each other, MIT and MIT-0 0.89, Apache-2.0 and ECL-2.0 0.95, MIT and JSON (one sentence more)
 * 0.97: a clause more or less finds its own licence first, another name or year changes nothing, a page of added terms makes the
 * text unknown. A text that joins several licences counts as all of them where they cover four fifths of it and leave as little.
 */
export function identifyLicense(text: string): string[] {
  const words = licenseWords(text)
  if (words.length < MIN_WORDS) return []
  const pairs = hashPairs(words)
  const scored = catalog().map((entry) => ({ ...entry, shared: sharedPairs(pairs, entry.pairs) }))
  const best = scored
    .map(({ id, size, shared }) => ({ id, shared, score: (2 * shared) / (size + words.length - 1) }))
    .toSorted((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))[0]
  const own = words.length - 1 - (best?.shared ?? 0)
  if (best !== undefined && best.score >= SAME_TEXT && own <= MAX_OWN_PAIRS) return [best.id]
  const contained = containedLicenses(scored)
  const covered = contained.reduce((sum, { size }) => sum + size, 0)
  const isCovered = covered >= COVERED * words.length && words.length - covered <= MAX_OWN_PAIRS
  return isCovered ? contained.map(({ id }) => id) : []
}

const SAME_TEXT = 0.93
const MAX_OWN_PAIRS = 120
const COVERED = 0.8
const CONTAINED = 0.97
const MIN_WORDS = 40
const MIN_CONTAINED_WORDS = 90

export interface CatalogEntry {
  readonly id: string
  /** Number of word pairs. */
  readonly size: number
  readonly pairs: Uint32Array
}

let loadedCatalog: readonly CatalogEntry[] | undefined

// Deprecated ids (`GPL-3.0`, `GPL-3.0+`) and `-or-later` share the text of `-only`, which is all that a text by itself grants.
export function catalog(): readonly CatalogEntry[] {
  loadedCatalog ??= Object.entries(spdxLicenses)
    .filter(([id]) => !/^(?:A|L)?GPL-\d\.\d\+?$|\+$|-or-later$/.test(id))
    .flatMap(([id, { licenseText }]) => variants(licenseText).map((text) => toEntry(id, text)))
  return loadedCatalog
}

// Many copies of a licence leave out the appendix that says how to apply it.
function variants(text: string): string[] {
  const end = text.search(/END OF TERMS AND CONDITIONS/)
  return end === -1 ? [text] : [text, text.slice(0, end)]
}

export function toEntry(id: string, text: string): CatalogEntry {
  const words = licenseWords(text)
  return { id, size: Math.max(1, words.length - 1), pairs: hashPairs(words) }
}

// A notice of its own line. Clauses may begin with `(c)` or speak of copyright: those have no year and no owner behind it.
const COPYRIGHT =
  /^\W*(?:(?:copyright|\(c\)|©)[\s:]*(?:\(c\)|©|by\b|\d{4}|<|\[|the [a-z]+ authors)|all rights reserved\W*$)/

export function licenseWords(text: string): string[] {
  return text
    .toLowerCase()
    .split('\n')
    .filter((line) => line.length > 200 || !COPYRIGHT.test(line))
    .join('\n')
    .replaceAll(/<[^<>\n]{1,60}>|\[[^[\]\n]{1,60}\]/g, ' ')
    .replaceAll(/https:/g, 'http:')
    .replaceAll('licence', 'license')
    .split(/[^a-z0-9]+/)
    .filter((word) => word.length > 1)
}

// Pairs as sorted 32-bit hashes: all licences together take a few megabytes, and two texts are compared in one pass. Among the
// 6,000 pairs of the longest licence one false match is expected in a hundred comparisons.
export function hashPairs(words: readonly string[]): Uint32Array {
  const hashes = new Uint32Array(Math.max(0, words.length - 1))
  for (let at = 1; at < words.length; at += 1) hashes[at - 1] = hashOfPair(`${words[at - 1]} ${words[at]}`)
  return hashes.toSorted()
}

// FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/
function hashOfPair(pair: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < pair.length; at += 1) hash = Math.imul(hash ^ pair.charCodeAt(at), 0x01000193)
  return hash >>> 0
}

export function sharedPairs(a: Uint32Array, b: Uint32Array): number {
  let [shared, left, right] = [0, 0, 0]
  while (left < a.length && right < b.length) {
    const difference = (a[left] ?? 0) - (b[right] ?? 0)
    if (difference === 0) shared += 1
    if (difference <= 0) left += 1
    if (difference >= 0) right += 1
  }
  return shared
}

type Scored = CatalogEntry & { readonly shared: number }

// Of licences that contain each other (BSD-3-Clause holds BSD-2-Clause) the largest speaks. One whose larger relative is there in
// all but a few words says nothing: the text may be a variant of either.
export function containedLicenses(scored: readonly Scored[]): Scored[] {
  const contained = scored
    .filter(({ size, shared }) => size >= MIN_CONTAINED_WORDS && shared / size >= CONTAINED)
    .toSorted((a, b) => b.size - a.size || (a.id < b.id ? -1 : 1))
  const kept: Scored[] = []
  for (const entry of contained) {
    const holdsEntry = ({ pairs }: CatalogEntry): boolean => sharedPairs(pairs, entry.pairs) / entry.size >= 0.8
    const relatives = scored.filter(
      ({ size, shared }) =>
        shared / size >= 0.85 && size > entry.size && shared - entry.shared >= 0.5 * (size - entry.size),
    )
    if (!kept.some(holdsEntry) && !relatives.some(holdsEntry)) kept.push(entry)
  }
  return kept.toSorted((a, b) => (a.id < b.id ? -1 : 1))
}
