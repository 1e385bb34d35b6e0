import { normalizeExpression } from './license-expression.ts'
import type { LicenseFinding } from './license-finder.ts'

/**
 * The licence that the metadata of a Python package names (https://packaging.python.org/specifications/core-metadata): its
 * `License-Expression`, a `License` that is a valid SPDX expression, or its classifiers where each names one licence. Null where they
 * say nothing; a null licence where they say something that is none of these.
 */
export function declaredLicense(metadata: string): (LicenseFinding & { license_evidence: string }) | null {
  const fields = headersOf(metadata)
  const [expression] = fields.get('license-expression') ?? []
  const [free = ''] = fields.get('license') ?? []
  const classifiers = (fields.get('classifier') ?? []).filter((value) => value.startsWith('License ::'))
  const named = classifiers.flatMap((value) => CLASSIFIERS[value.split('::').at(-1)?.trim() ?? ''] ?? [])
  const license =
    expression === undefined
      ? (normalizeExpression(free) ?? (named.length === 1 ? (named[0] ?? null) : null))
      : normalizeExpression(expression)
  const isSilent = expression === undefined && classifiers.length === 0 && (free === '' || free === 'UNKNOWN')
  return isSilent ? null : { license, license_evidence: 'PKG-INFO' }
}

// Header lines before the first empty one, as in mail; a line that begins with white space goes on with the one before.
function headersOf(metadata: string): Map<string, string[]> {
  const [head = ''] = metadata.replaceAll('\r\n', '\n').split('\n\n', 1)
  const fields = new Map<string, string[]>()
  for (const line of head.replaceAll(/\n[ \t]+/g, ' ').split('\n')) {
    const colon = line.indexOf(':')
    if (colon === -1) continue
    const name = line.slice(0, colon).toLowerCase()
    fields.set(name, [...(fields.get(name) ?? []), line.slice(colon + 1).trim()])
  }
  return fields
}

// Classifiers (https://pypi.org/classifiers) that mean one licence. `BSD License` may be any of several, so it is none.
const CLASSIFIERS: Record<string, string> = {
  'Apache Software License': 'Apache-2.0',
  'MIT License': 'MIT',
  'MIT No Attribution License (MIT-0)': 'MIT-0',
  'ISC License (ISCL)': 'ISC',
  'Mozilla Public License 2.0 (MPL 2.0)': 'MPL-2.0',
  'The Unlicense (Unlicense)': 'Unlicense',
  'GNU General Public License v2 (GPLv2)': 'GPL-2.0-only',
  'GNU General Public License v3 (GPLv3)': 'GPL-3.0-only',
  'GNU General Public License v3 or later (GPLv3+)': 'GPL-3.0-or-later',
  'GNU Affero General Public License v3': 'AGPL-3.0-only',
  'GNU Lesser General Public License v3 (LGPLv3)': 'LGPL-3.0-only',
}
