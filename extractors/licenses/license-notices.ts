import spdxLicenses from 'spdx-license-list/full.js'
import { catalog, containedLicenses, hashPairs, licenseWords, sharedPairs, toEntry } from './license-texts.ts'
import type { CatalogEntry } from './license-texts.ts'

/** The licences whose whole text, or whose standard notice for the top of a file, stands in a comment. */
export function identifyNotice(comment: string): string[] {
  const words = licenseWords(comment)
  if (words.length < MIN_NOTICE_WORDS) return []
  const pairs = hashPairs(words)
  const noticed = notices().filter(({ pairs: own, size }) => sharedPairs(pairs, own) / size >= NOTICE)
  // GNU's notices differ in a word and a number: what they say is read, not measured.
  const gnu = gnuNotice(comment)
  const named = [
    ...noticed.map(({ id }) => id).filter((id) => gnu === null || !GNU.test(id)),
    ...(gnu === null ? [] : [gnu]),
  ]
  if (named.length > 0) return [...new Set(named)]
  if (!words.some((word) => LICENSE_WORDS.has(word))) return []
  const short = catalog().filter(({ size }) => size <= MAX_HEADER_WORDS)
  return containedLicenses(short.map((entry) => ({ ...entry, shared: sharedPairs(pairs, entry.pairs) }))).map(
    ({ id }) => id,
  )
}

const GNU = /^[AL]?GPL-/

// `under the terms of the GNU Lesser General Public License as published by ..., either version 3 of the License, or ... any later`.
function gnuNotice(comment: string): string | null {
  const text = comment.toLowerCase().replaceAll(/[\s*#/]+/g, ' ')
  const named = /terms of the gnu (affero |lesser |library )?general public licen[sc]e/.exec(text)
  if (named === null) return null
  const rest = text.slice(named.index + named[0].length, named.index + named[0].length + 250)
  const [, major = '', minor = '0'] = /version (\d)(?:\.(\d))?/.exec(rest) ?? []
  const family = named[1] === undefined ? 'GPL' : named[1] === 'affero ' ? 'AGPL' : 'LGPL'
  const id = `${family}-${major}.${minor}-${/any later version|or later/.test(rest) ? 'or-later' : 'only'}`
  return spdxLicenses[id] === undefined ? null : id
}

/** The SPDX id of a licence by its full name, as some files have it where the id belongs. */
export function licenseNamed(name: string): string | null {
  loadedNames ??= new Map(Object.entries(spdxLicenses).map(([id, license]) => [license.name.toLowerCase(), id]))
  const id = loadedNames.get(name.toLowerCase()) ?? null
  return id !== null && /^(?:A|L)?GPL-\d\.\d$/.test(id) ? `${id}-only` : id
}

let loadedNames: ReadonlyMap<string, string> | undefined

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
const NOTICE = 0.9
const MIN_NOTICE_WORDS = 12
// BSD-4-Clause has 265 words; nobody puts a longer licence on top of a file.
const MAX_HEADER_WORDS = 400

let loadedNotices: readonly CatalogEntry[] | undefined

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
