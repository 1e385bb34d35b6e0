import spdxLicenses from 'spdx-license-list'
import { parseLicenseExpression } from '../pipelines/core/license-expression.ts'
import type { LicenseExpression } from '../pipelines/core/license-expression.ts'

/** Reads an SPDX expression, ids in any case as the specification has it; null where the text is none. */
export function readLicenseExpression(text: string): LicenseExpression | null {
  return parseLicenseExpression(text.replaceAll(/[\w.-]+/g, (word) => CANONICAL.get(word.toLowerCase()) ?? word))
}

/**
 * Whether the expression can be fulfilled with allowed licences alone: both sides of AND, one side of OR. An exception
 * (WITH) only grants more, so it is allowed where its licence is; one that makes another licence acceptable is allowed
 * by naming the pair, as in `GPL-3.0-only WITH GCC-exception-3.1`.
 */
export function isAllowed(expression: LicenseExpression, allowed: ReadonlySet<string>): boolean {
  if ('conjunction' in expression) {
    const { left, conjunction, right } = expression
    if (conjunction === 'and') return isAllowed(left, allowed) && isAllowed(right, allowed)
    return isAllowed(left, allowed) || isAllowed(right, allowed)
  }
  const { license, plus, exception } = expression
  const withException = exception === undefined ? license : `${license} WITH ${exception}`
  return allowed.has(license) || allowed.has(withException) || (plus === true && allowed.has(`${license}+`))
}

const CANONICAL = new Map(Object.keys(spdxLicenses).map((id) => [id.toLowerCase(), id]))
