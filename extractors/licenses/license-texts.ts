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

/** The licences whose whole text, or whose standard notice for the top of a file, stands in a comment. */
export function identifyNotice(comment: string): string[] {
  const words = licenseWords(comment)
  if (words.length < MIN_NOTICE_WORDS) return []
  const pairs = hashPairs(words)
  const noticed = notices().filter(({ pairs: own, size }) => sharedPairs(pairs, own) / size >= NOTICE)
  if (noticed.length > 0) return [...new Set(noticed.map(({ id }) => id))]
  if (!words.some((word) => LICENSE_WORDS.has(word))) return []
  const short = catalog().filter(({ size }) => size <= MAX_HEADER_WORDS)
  return containedLicenses(short.map((entry) => ({ ...entry, shared: sharedPairs(pairs, entry.pairs) }))).map(
    ({ id }) => id,
  )
}

// Every licence grants something in one of these words; comments without them are not compared.
const LICENSE_WORDS = new Set([
  'permission',
  'permissions',
  'permitted',
  'redistribution',
  'redistributions',
  'license',
  'licensed',
  'copying',
])
const SAME_TEXT = 0.93
const MAX_OWN_PAIRS = 120
const COVERED = 0.8
const CONTAINED = 0.97
const NOTICE = 0.9
const MIN_WORDS = 40
const MIN_NOTICE_WORDS = 12
// BSD-4-Clause has 265 words; nobody puts a longer licence on top of a file.
const MAX_HEADER_WORDS = 400
const MIN_CONTAINED_WORDS = 90

interface CatalogEntry {
  readonly id: string
  /** Number of word pairs. */
  readonly size: number
  readonly pairs: Uint32Array
}

let loadedCatalog: readonly CatalogEntry[] | undefined
let loadedNotices: readonly CatalogEntry[] | undefined

// Deprecated ids (`GPL-3.0`, `GPL-3.0+`) and `-or-later` share the text of `-only`, which is all that a text by itself grants.
function catalog(): readonly CatalogEntry[] {
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

// Where in its licence's own text the notice stands that it asks people to put on their files.
const NOTICE_PLACES: readonly { id: string; text: string; from: string; to: string }[] = [
  {
    id: 'Apache-2.0',
    text: 'Apache-2.0',
    from: 'Licensed under the Apache License',
    to: 'limitations under the License',
  },
  { id: 'MPL-2.0', text: 'MPL-2.0', from: 'This Source Code Form is subject', to: 'mozilla.org/MPL/2.0/' },
  { id: 'GPL-3.0-or-later', text: 'GPL-3.0-only', from: 'This program is free software', to: 'any later version' },
  { id: 'GPL-2.0-or-later', text: 'GPL-2.0-only', from: 'This program is free software', to: 'any later version' },
  { id: 'AGPL-3.0-or-later', text: 'AGPL-3.0-only', from: 'This program is free software', to: 'any later version' },
  { id: 'LGPL-2.1-or-later', text: 'LGPL-2.1-only', from: 'This library is free software', to: 'any later version' },
]

// A short notice says less than its licence demands and is still clear: "Licensed under the Apache License, Version 2.0".
const SHORT_NOTICES: readonly { id: string; notice: string }[] = [
  {
    id: 'Apache-2.0',
    notice:
      'licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except in compliance',
  },
  {
    id: 'LGPL-3.0-or-later',
    notice:
      'GNU Lesser General Public License as published by the Free Software Foundation, either version 3 of the License, or (at your option) any later version',
  },
]

function notices(): readonly CatalogEntry[] {
  loadedNotices ??= [
    ...NOTICE_PLACES.map(({ id, text, from, to }) => {
      const license = spdxLicenses[text]?.licenseText ?? ''
      const start = license.lastIndexOf(from)
      return toEntry(id, license.slice(start, license.indexOf(to, start) + to.length))
    }),
    ...SHORT_NOTICES.map(({ id, notice }) => toEntry(id, notice)),
  ]
  return loadedNotices
}

function toEntry(id: string, text: string): CatalogEntry {
  const words = licenseWords(text)
  return { id, size: Math.max(1, words.length - 1), pairs: hashPairs(words) }
}

// A notice of its own line. Clauses may begin with `(c)` or speak of copyright: those have no year and no owner behind it.
const COPYRIGHT =
  /^\W*(?:(?:copyright|\(c\)|©)[\s:]*(?:\(c\)|©|by\b|\d{4}|<|\[|the [a-z]+ authors)|all rights reserved\W*$)/

function licenseWords(text: string): string[] {
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
function hashPairs(words: readonly string[]): Uint32Array {
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

function sharedPairs(a: Uint32Array, b: Uint32Array): number {
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
function containedLicenses(scored: readonly Scored[]): Scored[] {
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
