import { z } from 'zod'
import { hashOf } from '../pipelines/core/hash.ts'
import type { Candidate } from '../pipelines/core/records/candidate.ts'
import { normalizeSource } from '../pipelines/core/source-text.ts'
import { geomeanSpeedup } from '../pipelines/core/speedup.ts'
import type { DatasetFilter, Signed, Verdict } from './types.ts'
import { keep, refuse } from './verdict.ts'

const Options = z.strictObject({})

/** Keeps one candidate of each task for each implementation, whatever its comments and layout. */
export const exactDedup: DatasetFilter<z.infer<typeof Options>> = {
  id: 'exact-dedup',
  version: 2,
  kind: 'dataset',
  summary: 'Keeps one of the candidates of a task whose code differs in comments and layout only',
  options: Options,
  sign: ({ candidate, evaluations }) => ({
    code: hashOf(normalizedSources(candidate)),
    passed: evaluations.length > 0 && evaluations.every(({ status }) => status === 'PASSED'),
    speedup: geomeanSpeedup(evaluations, 'speedup_ci_low'),
    reasoning_tokens: candidate.reasoning?.num_tokens ?? null,
    code_characters: candidate.sources.reduce((sum, { content }) => sum + content.length, 0),
  }),
  select(signatures) {
    const survivors = new Map<string, Signed>()
    for (const signed of signatures) {
      const best = survivors.get(groupOf(signed))
      if (best === undefined || compare(signed, best) < 0) survivors.set(groupOf(signed), signed)
    }
    return new Map(signatures.map((signed) => [signed.candidateId, decide(signed, survivors.get(groupOf(signed)))]))
  },
}

// Names of files are left out where there is one: a copy under another name is a copy.
function normalizedSources({ sources, language }: Candidate): unknown {
  const normalized = sources.map(({ path, content }) => ({
    path: sources.length === 1 ? '' : path,
    content: normalizeSource(content, path.endsWith('.py') ? 'python' : language),
  }))
  return normalized.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

function groupOf({ taskId, signature }: Signed): string {
  return `${taskId} ${String(signature['code'])}`
}

function decide(signed: Signed, survivor: Signed | undefined): Verdict {
  if (survivor === undefined || survivor.candidateId === signed.candidateId) return keep()
  return refuse('duplicate_code', `duplicate of ${survivor.candidateId}`)
}

// Who survives: what passed, what was timed and is faster, what has a reasoning and a shorter one, shorter code, lower id.
function compare(a: Signed, b: Signed): number {
  return (
    Number(b.signature['passed']) - Number(a.signature['passed']) ||
    descending(a.signature['speedup'], b.signature['speedup']) ||
    ascending(a.signature['reasoning_tokens'], b.signature['reasoning_tokens']) ||
    ascending(a.signature['code_characters'], b.signature['code_characters']) ||
    (a.candidateId < b.candidateId ? -1 : 1)
  )
}

function ascending(a: unknown, b: unknown): number {
  if (typeof a === 'number' && typeof b === 'number') return a - b
  return Number(typeof b === 'number') - Number(typeof a === 'number')
}

function descending(a: unknown, b: unknown): number {
  return typeof a === 'number' && typeof b === 'number' ? b - a : ascending(a, b)
}
