import { describe, expect, test } from 'vitest'
import { classOf } from '../../../extractors/licenses/license-class.ts'

describe('the class of a licence', () => {
  test.each([
    ['MIT', 'permissive'],
    ['Apache-2.0 WITH LLVM-exception', 'permissive'],
    ['BSD-3-Clause-Clear', 'permissive'],
    ['LGPL-3.0-or-later', 'weak_copyleft'],
    ['MPL-2.0', 'weak_copyleft'],
    ['GPL-3.0-only', 'strong_copyleft'],
    ['AGPL-3.0-or-later', 'strong_copyleft'],
    ['GPL-2.0-only WITH Classpath-exception-2.0', 'weak_copyleft'],
    ['LicenseRef-NvidiaProprietary', 'custom'],
    ['BSD-3-Clause-No-Nuclear-License', 'custom'],
    ['CC-BY-NC-4.0', 'custom'],
    ['BUSL-1.1', 'custom'],
    ['MIT OR GPL-3.0-only', 'permissive'],
    ['MIT AND GPL-3.0-only', 'strong_copyleft'],
    ['MIT AND (LGPL-2.1-only OR LicenseRef-Terms)', 'weak_copyleft'],
    ['not an expression', 'custom'],
  ])('of %s is %s', (license, expected) => {
    expect(classOf({ license, license_evidence: 'header' })).toBe(expected)
  })

  test('of what nobody licenses is none, of terms that nobody knows custom', () => {
    expect(classOf({ license: null, license_evidence: null })).toBe('none')
    expect(classOf({ license: null, license_evidence: 'LICENSE' })).toBe('custom')
  })
})
