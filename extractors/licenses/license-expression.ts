import { parseLicenseExpression } from '../../pipelines/core/license-expression.ts'
import type { LicenseExpression } from '../../pipelines/core/license-expression.ts'

/** The expression in one spelling, or null where it is not valid SPDX. */
export function normalizeExpression(expression: string): string | null {
  const parsed = parseLicenseExpression(expression)
  return parsed === null ? null : render(parsed)
}

/** The licence that holds for a whole made of pieces: all of theirs. Null as soon as one piece has none. */
export function joinLicenses(licenses: readonly (string | null)[]): string | null {
  const known = licenses.filter((license) => license !== null)
  if (known.length === 0 || known.length < licenses.length) return null
  const parts = [...new Set(known.flatMap((license) => conjuncts(license)))].toSorted((a, b) => (a < b ? -1 : 1))
  return parts.map((part) => (parts.length > 1 && / OR /.test(part) ? `(${part})` : part)).join(' AND ')
}

/**
 * Folds an expression: each licence of it to a value, values of an AND and of an OR to one. Null where the expression is not valid
 * SPDX.
 */
export function foldExpression<Value>(
  expression: string,
  leaf: (license: string, exception: string | null) => Value,
  both: (left: Value, right: Value) => Value,
  either: (left: Value, right: Value) => Value,
): Value | null {
  const fold = (node: LicenseExpression): Value => {
    if (!('conjunction' in node)) return leaf(node.license, node.exception ?? null)
    return (node.conjunction === 'and' ? both : either)(fold(node.left), fold(node.right))
  }
  const parsed = parseLicenseExpression(expression)
  return parsed === null ? null : fold(parsed)
}

function conjuncts(license: string): string[] {
  const parsed = parseLicenseExpression(license)
  return parsed === null ? [license] : split(parsed)
}

function split(node: LicenseExpression): string[] {
  const isAnd = 'conjunction' in node && node.conjunction === 'and'
  return isAnd ? [...split(node.left), ...split(node.right)] : [render(node)]
}

function render(node: LicenseExpression): string {
  if (!('conjunction' in node)) {
    const exception = node.exception === undefined ? '' : ` WITH ${node.exception}`
    return `${node.license}${node.plus === true ? '+' : ''}${exception}`
  }
  const side = (inner: LicenseExpression): string =>
    'conjunction' in inner && inner.conjunction !== node.conjunction ? `(${render(inner)})` : render(inner)
  return `${side(node.left)} ${node.conjunction.toUpperCase()} ${side(node.right)}`
}
