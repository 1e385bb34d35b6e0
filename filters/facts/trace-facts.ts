import { franc } from 'franc-min'
import { DEFAULT_TOKENIZER, countTokens } from '../../pipelines/core/tokenizer.ts'
import { claimsOf } from '../trace/claims.ts'
import { isSelfCheck, partsOf } from '../trace/prose.ts'
import type { TraceParts } from '../trace/prose.ts'
import type { Judged } from '../types.ts'

/** What the reasoning is made of, and whether what it says of the kernel is so. */
export async function traceFacts(judged: Pick<Judged, 'candidate' | 'task' | 'evaluations'>) {
  const trace = judged.candidate.reasoning?.text ?? null
  if (trace === null || trace.trim() === '') return NO_TRACE
  const parts = partsOf(trace)
  const claims = claimsOf(trace, judged)
  const wrong = claims.filter(({ holds }) => !holds)
  const checks = parts.paragraphs.filter(isSelfCheck)
  const plan = parts.paragraphs.filter((paragraph) => !isSelfCheck(paragraph))
  return {
    trace_claims: claims.length,
    trace_score: claims.length === 0 ? null : (claims.length - wrong.length) / claims.length,
    trace_wrong_claims: wrong.map(({ claim }) => claim).join(','),
    trace_plan_tokens: await tokensOf(plan),
    trace_code_tokens: await tokensOf(parts.code),
    trace_check_tokens: await tokensOf(checks),
    reasoning_language: languageOf(parts),
    reasoning_loops: loopsOf(trace),
  }
}

const NO_TRACE = {
  trace_claims: null,
  trace_score: null,
  trace_wrong_claims: null,
  trace_plan_tokens: null,
  trace_code_tokens: null,
  trace_check_tokens: null,
  reasoning_language: null,
  reasoning_loops: null,
}

async function tokensOf(texts: readonly string[]): Promise<number> {
  return countTokens(texts.join('\n\n'), DEFAULT_TOKENIZER)
}

// Languages that models of this field are seen to think in; among more of them, short technical text is mistaken for rare ones.
const LANGUAGES = [
  'eng',
  'cmn',
  'jpn',
  'kor',
  'deu',
  'fra',
  'spa',
  'por',
  'ita',
  'rus',
  'arb',
  'hin',
  'vie',
  'tur',
  'pol',
]
const LEAST_CHARACTERS = 60
const MOST_CHARACTERS = 20_000

function languageOf({ paragraphs }: TraceParts): string | null {
  const prose = paragraphs.join('\n').replaceAll(/`[^`\n]*`/g, ' ')
  if (prose.length < LEAST_CHARACTERS) return null
  const found = franc(prose.slice(0, MOST_CHARACTERS), { only: LANGUAGES })
  return found === 'und' ? null : found
}

// Models that are stuck say the same words again, whatever lines they put them on: share of the runs of eight that were there before.
function loopsOf(text: string): number {
  const words = text.slice(0, 1_000_000).split(/\s+/)
  const runs = words.length - RUN + 1
  if (runs < 1) return 0
  const seen = new Set<string>()
  for (let start = 0; start < runs; start += 1) seen.add(words.slice(start, start + RUN).join(' '))
  return 1 - seen.size / runs
}

const RUN = 8
