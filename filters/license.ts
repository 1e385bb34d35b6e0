import { z } from 'zod'
import { isAllowed, readLicenseExpression } from './license-expression.ts'
import type { RecordFilter, Subject, Verdict } from './types.ts'
import { keep, refuse } from './verdict.ts'

const Options = z.strictObject({
  allow: z
    .array(z.string())
    .default([
      '0BSD',
      'Apache-2.0',
      'BlueOak-1.0.0',
      'BSD-2-Clause',
      'BSD-3-Clause',
      'BSL-1.0',
      'CC0-1.0',
      'ISC',
      'MIT',
      'MIT-0',
      'NCSA',
      'PSF-2.0',
      'Python-2.0',
      'Unlicense',
      'UPL-1.0',
      'Zlib',
    ])
    .describe(
      'SPDX ids that suffice, or `ID WITH exception`; the default is permissive licences of the Blue Oak Council’s list',
    ),
  allow_missing: z
    .boolean()
    .default(false)
    .describe('Whether text of a repository may be kept that nothing in the repository licenses'),
})
type Options = z.infer<typeof Options>

/** Keeps what may be passed on: the reference, the implementation and each piece it was made of. */
export const license: RecordFilter<Options> = {
  id: 'license',
  version: 1,
  kind: 'record',
  summary: 'Keeps candidates whose every piece of text has an allowed licence',
  options: Options,
  decide(subject, { allow, allow_missing }) {
    const allowed = new Set(allow)
    for (const { what, expression } of licensedParts(subject)) {
      const refusal = expression === null ? refuseMissing(what, allow_missing) : judge(what, expression, allowed)
      if (refusal !== null) return refusal
    }
    return keep()
  },
}

// A model's output carries no licence of its own; what it answers, the reference, does.
function licensedParts({ task, candidate }: Subject): { what: string; expression: string | null }[] {
  const pieces = candidate.pieces.map(({ path, license }) => ({ what: path, expression: license }))
  const isModelOutput = candidate.origin === 'generated' && candidate.license === null && pieces.length === 0
  return [
    { what: `reference ${task.path}`, expression: task.license },
    ...(isModelOutput ? [] : [{ what: 'implementation', expression: candidate.license }]),
    ...pieces,
  ]
}

function refuseMissing(what: string, allowMissing: boolean): Verdict | null {
  return allowMissing ? null : refuse('no_license', what)
}

function judge(what: string, text: string, allowed: ReadonlySet<string>): Verdict | null {
  const expression = readLicenseExpression(text)
  if (expression === null) return refuse('unreadable_license', `${what}: ${text}`)
  return isAllowed(expression, allowed) ? null : refuse('license_not_allowed', `${what}: ${text}`)
}
