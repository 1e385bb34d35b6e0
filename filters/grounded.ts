import { z } from 'zod'
import { claimsOf } from './trace/claims.ts'
import type { RecordFilter } from './types.ts'
import { keep, refuse } from './verdict.ts'

const Options = z.strictObject({
  min_score: z
    .number()
    .min(0)
    .max(1)
    .default(0.7)
    .describe('Smallest share of the claims of a reasoning that hold in the code or in what ptxas measured'),
  min_claims: z
    .int()
    .min(0)
    .default(0)
    .describe('Claims that can be checked which a reasoning must make; 0 keeps those that make none'),
  max_loops: z
    .number()
    .min(0)
    .max(1)
    .default(0.3)
    .describe('Largest share of its runs of eight words that stand in it before: what a model that is stuck writes'),
  languages: z
    .array(z.string().regex(/^[a-z]{3}$/, 'ISO 639-3, such as eng'))
    .nullable()
    .default(null)
    .describe('Languages a reasoning may be in, ISO 639-3; null for any'),
})
type Options = z.infer<typeof Options>

/**
 * Keeps reasoning that belongs to its kernel: the names, numbers and techniques it claims are there. People's and models' are held to
 * the same; candidates without reasoning are left to `reasoning`. Evidence for every claim that does not hold is in `detail`.
 */
export const grounded: RecordFilter<Options> = {
  id: 'grounded',
  version: 2,
  kind: 'record',
  summary: 'Keeps reasoning whose claims about the kernel hold in its code or in what ptxas says',
  options: Options,
  decide(subject, { min_score, min_claims, max_loops, languages }) {
    const { trace_score, trace_claims, reasoning_loops, reasoning_language } = subject.facts
    const trace = subject.candidate.reasoning?.text ?? null
    if (trace === null || trace_claims === null) return keep(null, min_score)
    if (reasoning_loops !== null && reasoning_loops > max_loops) {
      return refuse('loops', 'the reasoning says the same again and again', reasoning_loops, max_loops)
    }
    if (languages !== null && (reasoning_language === null || !languages.includes(reasoning_language))) {
      return refuse('other_language', reasoning_language ?? 'no language can be told')
    }
    if (trace_claims < min_claims) return refuse('few_claims', `${trace_claims} claims`, trace_claims, min_claims)
    const claims = claimsOf(trace, subject)
    const told = claims.toSorted((a, b) => Number(a.holds) - Number(b.holds)).map(tell)
    const detail = told.slice(0, MAX_CLAIMS).join('\n').slice(0, MAX_DETAIL)
    if (trace_score !== null && trace_score < min_score)
      return refuse('claims_do_not_hold', detail, trace_score, min_score)
    return { ...keep(trace_score, min_score), detail: detail === '' ? null : detail }
  },
}

const MAX_CLAIMS = 20
const MAX_DETAIL = 1000

function tell({ claim, holds, evidence }: ReturnType<typeof claimsOf>[number]): string {
  return `${claim}: ${holds ? 'holds' : 'does not hold'} (${evidence})`
}
