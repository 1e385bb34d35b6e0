import { describe, expect, test } from 'vitest'
import licenseList from 'spdx-license-list/full.js'
import { licenseFinder, openLicenseFinder } from '../../../extractors/licenses/license-finder.ts'
import { folderRepository } from '../folder-repository.ts'

const textOf = (id: string): string => licenseList[id]?.licenseText ?? ''
const MIT = textOf('MIT')
const APACHE = textOf('Apache-2.0')

const gnuNotice = (name: string, version: string): string =>
  `# This program is free software: you can redistribute it and/or modify\n# it under the terms of the ${name} as published by\n# the Free Software Foundation, either version ${version} of the License, or\n# (at your option) any later version.\n`

describe('the licence of a file', () => {
  test.each([
    ['# SPDX-License-Identifier: MIT\n', 'MIT'],
    ['// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception\n', 'Apache-2.0 WITH LLVM-exception'],
    ['/* SPDX-License-Identifier: (MIT OR GPL-2.0-only) */\n', 'MIT OR GPL-2.0-only'],
    ['"""SPDX-License-Identifier: BSD-3-Clause"""\n', 'BSD-3-Clause'],
    ['# SPDX-License-Identifier: MIT\n# SPDX-License-Identifier: Apache-2.0\n', 'MIT AND Apache-2.0'],
    ['# SPDX-License-Identifier: LicenseRef-NvidiaProprietary\n', 'LicenseRef-NvidiaProprietary'],
    ['# SPDX-License-Identifier: nobody knows\n', null],
    ['# SPDX-License-Identifier: GNU Affero General Public License v3.0\n', 'AGPL-3.0-only'],
    [gnuNotice('GNU Lesser General Public License', '3'), 'LGPL-3.0-or-later'],
    [gnuNotice('GNU Affero General Public License', '3'), 'AGPL-3.0-or-later'],
    [gnuNotice('GNU General Public License', '2'), 'GPL-2.0-or-later'],
    [
      '# Under the terms of the GNU General Public License, version 2, as published by its makers, without more ado.\n',
      'GPL-2.0-only',
    ],
    [`#!/usr/bin/env python\n${commented(MIT)}\nimport torch\n`, 'MIT'],
    [`/*\n${textOf('BSD-3-Clause')}\n*/\nint x;\n`, 'BSD-3-Clause'],
    [`"""A module.\n\n${MIT}\n"""\nimport torch\n`, 'MIT'],
    [
      `# Licensed under the Apache License, Version 2.0 (the "License"); you may not use this file except in\n# compliance with the License. You may obtain a copy of the License at\n#\n#     http://www.apache.org/licenses/LICENSE-2.0\n#\n# Unless required by applicable law or agreed to in writing, software distributed under the License is distributed on an\n# "AS IS" BASIS, WITHOUT WARRANTIES OR CONDITIONS OF ANY KIND, either express or implied. See the License for the specific\n# language governing permissions and limitations under the License.\n`,
      'Apache-2.0',
    ],
  ])('is what its own header says: %#', (text, license) => {
    const finder = licenseFinder(new Map([['LICENSE', textOf('GPL-3.0')]]))
    expect(finder.find('src/kernel.py', text)).toEqual({ license, license_evidence: 'header' })
  })

  test('is not read out of its code', () => {
    const finder = licenseFinder(new Map([['LICENSE', MIT]]))
    const code = `import torch\n\nTEXT = """\n${APACHE}\n"""\n`
    expect(finder.find('kernel.py', code)).toEqual({ license: 'MIT', license_evidence: 'LICENSE' })
    expect(finder.find('kernel.py', '# Copyright 2024 A Person. All rights reserved.\nx = 1\n')).toEqual({
      license: 'MIT',
      license_evidence: 'LICENSE',
    })
  })

  test('is that of the nearest folder above it', () => {
    const finder = licenseFinder(
      new Map([
        ['LICENSE', MIT],
        ['vendor/fast/COPYING', APACHE],
        ['vendor/odd/LICENSE', 'Ask me first, then wait for a letter.\n'.repeat(20)],
      ]),
    )
    expect(finder.find('src/a.py', '')).toEqual({ license: 'MIT', license_evidence: 'LICENSE' })
    expect(finder.find('vendor/fast/deep/a.py', '')).toEqual({
      license: 'Apache-2.0',
      license_evidence: 'vendor/fast/COPYING',
    })
    expect(finder.find('vendor/odd/a.py', '')).toEqual({ license: null, license_evidence: 'vendor/odd/LICENSE' })
    expect(licenseFinder(new Map()).find('a.py', '')).toEqual({ license: null, license_evidence: null })
  })
})

describe('a licence text', () => {
  test.each([
    'MIT',
    'Apache-2.0',
    'BSD-2-Clause',
    'BSD-3-Clause',
    'GPL-3.0',
    'LGPL-3.0',
    'AGPL-3.0',
    'MPL-2.0',
    'ISC',
    'Unlicense',
  ])('of %s is known although names and line breaks differ', (id) => {
    const text = textOf(id)
      .replace(/<?year>?|<yyyy>/gi, '2019-2024')
      .replaceAll(/\s+/g, ' ')
    const wrapped = text.replaceAll(/(.{60}) /g, '$1\n')
    const { license } = licenseFinder(new Map([['LICENSE', wrapped]])).find('a.py', '')
    expect(license?.replace(/-(?:only|or-later)$/, '')).toBe(id)
  })

  test('with a page of terms of its own is unknown', () => {
    const terms = 'The software must not be used to train any model without a written agreement of all of its authors. '
    const text = `${MIT}\n${Array.from({ length: 12 }, (_, at) => `${terms.replace('any', `any ${at}`)} Term ${at} holds for ever.`).join('\n')}`
    expect(licenseFinder(new Map([['LICENSE', text]])).find('a.py', '').license).toBeNull()
  })

  test('that takes back what it grants in one more clause is unknown', () => {
    const clause = 'The licence does not grant the right to sell, host or offer the software as a service of any kind. '
    const text = `${APACHE}\n\n${clause.repeat(8)}`
    expect(licenseFinder(new Map([['LICENSE', text]])).find('a.py', '').license).toBeNull()
  })

  test('beside another holds together with it, or is a choice where both say so in their names', () => {
    const both = licenseFinder(
      new Map([
        ['LICENSE', MIT],
        ['COPYING', APACHE],
      ]),
    )
    expect(both.find('a.py', '')).toEqual({ license: 'Apache-2.0 AND MIT', license_evidence: 'COPYING, LICENSE' })
    const choice = licenseFinder(
      new Map([
        ['LICENSE-MIT', MIT],
        ['LICENSE-APACHE', APACHE],
      ]),
    )
    expect(choice.find('a.py', '').license).toBe('Apache-2.0 OR MIT')
    const joined = licenseFinder(
      new Map([['LICENSE', `${APACHE}\n\n-----\nParts of it:\n\n${textOf('BSD-3-Clause')}`]]),
    )
    expect(joined.find('a.py', '').license).toBe('Apache-2.0 AND BSD-3-Clause')
  })

  test('says what holds for what was taken over below a rule, and nothing else below one', () => {
    const rule = '-'.repeat(60)
    const list = `${rule}\nSome of the code is adapted from other projects.\n\nBSD 3-Clause License\n\n`
    const paths = Array.from({ length: 150 }, (_, at) => `include/library/attention/part_${at}.cuh`).join('\n')
    const of = (text: string) => licenseFinder(new Map([['LICENSE', text]])).find('a.py', '').license
    expect(of(`${APACHE}\n${list}${paths}\n`)).toBe('Apache-2.0')
    expect(of(`${APACHE}\n${list}${paths}\nNone of it may not be used for training.\n`)).toBeNull()
    expect(of(`${APACHE}\n${rule}\nAdditional terms hold.\n${paths}\n`)).toBeNull()
  })

  test('may be the notice that a licence asks for', () => {
    const notice = APACHE.slice(
      APACHE.lastIndexOf('Licensed under the Apache'),
      APACHE.lastIndexOf('under the License.'),
    )
    const finder = licenseFinder(new Map([['LICENSE', `Copyright 2023 Somebody\n\n${notice}under the License.\n`]]))
    expect(finder.find('a.py', '')).toEqual({ license: 'Apache-2.0', license_evidence: 'LICENSE' })
    expect(finder.repository).toEqual({ license: 'Apache-2.0', license_evidence: 'LICENSE' })
  })

  test('in LICENSES/ holds for the folder beside it', () => {
    const finder = licenseFinder(new Map([['LICENSES/MIT.txt', 'Translated, so that nobody knows it.']]))
    expect(finder.find('src/a.py', '')).toEqual({ license: 'MIT', license_evidence: 'LICENSES/MIT.txt' })
  })

  test('is read from a repository: no code named after it, nothing enormous, no broken one', async () => {
    const repository = await folderRepository(null, {
      'license.py': 'def license():\n    pass\n',
      'sub/LICENSE': Buffer.alloc(2_000_000, 'x'),
      'LICENSE.md': MIT,
      'bad/LICENSE': Buffer.from([0xff, 0x00, 0xfe]),
    })
    const finder = await openLicenseFinder(repository, await repository.listFiles())
    expect(finder.find('sub/a.py', '')).toEqual({ license: 'MIT', license_evidence: 'LICENSE.md' })
    expect(finder.find('bad/a.py', '')).toEqual({ license: null, license_evidence: 'bad/LICENSE' })
  })
})

function commented(text: string): string {
  return text
    .split('\n')
    .map((line) => `# ${line}`)
    .join('\n')
}
