import { readPythonCode } from '../../../extractors/imports/python-code.ts'
import { outcomeOf, requestOf } from '../../../validators/one-off.ts'
import type { OneOff } from '../../../validators/one-off.ts'
import type { JudgingTime, Validator } from '../../../validators/types.ts'
import type { Judgement } from '../reporter/judgement.ts'
import type { Reporter } from '../reporter/reporter.ts'

/** By how an evaluation ended. */
export const EXIT_CODES = { accepted: 0, refused: 1, not_judged: 2 } as const

/** What judging one pair takes. */
export interface Bench {
  readonly validator: Validator
  readonly seed: number
  readonly reporter: Reporter
  /** Where the judges' time went, by candidate; what one pair takes from the validator may be another's. */
  readonly times: Map<string, JudgingTime['seconds']>
}

/** Judges one pair, one of many that are ahead. Throws only for what is the machine's failure. */
export async function judgePair(
  pair: Omit<OneOff, 'language'>,
  bench: Bench,
  { isAhead = false } = {},
): Promise<Judgement> {
  const { validator, seed, reporter, times } = bench
  const request = requestOf({ ...pair, language: await languageOf(pair) })
  if (isAhead) validator.prepare([request])
  const rows = await validator.evaluate(request)
  for (const { message, hint } of validator.takeWarnings()) reporter.note(`warning: ${message}\n  ${hint}`)
  for (const { candidate_id, seconds } of validator.takeTimes()) times.set(candidate_id, seconds)
  const seconds = isAhead ? times.get(request.candidate.id) : undefined
  return { outcome: outcomeOf(rows), seed, evaluations: rows, ...(seconds === undefined ? {} : { seconds }) }
}

/** The language of an implementation, as far as its text tells. */
export async function languageOf({ code, file = 'candidate.py' }: Omit<OneOff, 'language'>): Promise<string> {
  if (file !== 'candidate.py') return file === 'candidate.cpp' ? 'cpp' : 'cuda'
  const python = await readPythonCode(code)
  // Older ways of building than `load_inline` are read by whoever records what is built.
  if (python !== null && python.language !== 'torch') return python.language
  if (/\bcpp_extension\b/.test(code)) return /\.cu\b|__global__/.test(code) ? 'cuda' : 'cpp'
  return 'torch'
}
