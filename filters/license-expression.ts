import parse from 'spdx-expression-parse'
import spdxLicenses from 'spdx-license-list'
import { z } from 'zod'

interface License {
  readonly license: string
  readonly plus?: boolean | undefined
  readonly exception?: string | undefined
}
interface Conjunction {
  readonly left: Expression
  readonly conjunction: 'and' | 'or'
  readonly right: Expression
}

/** The tree of an SPDX expression. */
export type Expression = License | Conjunction

/** Reads an SPDX expression, ids in any case as the specification has it; null where the text is none. */
export function parseLicenseExpression(text: string): Expression | null {
  try {
    return Expression.parse(parse(text.replaceAll(/[\w.-]+/g, (word) => CANONICAL.get(word.toLowerCase()) ?? word)))
  } catch {
    return null
  }
}

/**
 * Whether the expression can be fulfilled with allowed licences alone: both sides of AND, one side of OR. An exception
 * (WITH) only grants more, so it is allowed where its licence is; one that makes another licence acceptable is allowed
 * by naming the pair, as in `GPL-3.0-only WITH GCC-exception-3.1`.
 */
export function isAllowed(expression: Expression, allowed: ReadonlySet<string>): boolean {
  if ('conjunction' in expression) {
    const { left, conjunction, right } = expression
    if (conjunction === 'and') return isAllowed(left, allowed) && isAllowed(right, allowed)
    return isAllowed(left, allowed) || isAllowed(right, allowed)
  }
  const { license, plus, exception } = expression
  const withException = exception === undefined ? license : `${license} WITH ${exception}`
  return allowed.has(license) || allowed.has(withException) || (plus === true && allowed.has(`${license}+`))
}

const Expression: z.ZodType<Expression> = z.union([
  z.strictObject({ license: z.string(), plus: z.boolean().optional(), exception: z.string().optional() }),
  z.strictObject({
    get left() {
      return Expression
    },
    conjunction: z.enum(['and', 'or']),
    get right() {
      return Expression
    },
  }),
])

const CANONICAL = new Map(Object.keys(spdxLicenses).map((id) => [id.toLowerCase(), id]))
