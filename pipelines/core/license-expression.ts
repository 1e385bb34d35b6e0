import parse from 'spdx-expression-parse'
import { z } from 'zod'

interface License {
  readonly license: string
  readonly plus?: boolean | undefined
  readonly exception?: string | undefined
}
interface Conjunction {
  readonly left: LicenseExpression
  readonly conjunction: 'and' | 'or'
  readonly right: LicenseExpression
}

/** The tree of an SPDX expression. */
export type LicenseExpression = License | Conjunction

/** Reads an SPDX expression, ids spelled as in SPDX's list; null where the text is none. */
export function parseLicenseExpression(text: string): LicenseExpression | null {
  try {
    return Expression.parse(parse(text.trim()))
  } catch {
    return null
  }
}

const Expression: z.ZodType<LicenseExpression> = z.union([
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
