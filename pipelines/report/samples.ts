import type { CandidateFacts } from '../core/records/candidate-facts.ts'
import type { Candidate } from '../core/records/candidate.ts'
import type { Evaluation } from '../core/records/evaluation.ts'
import { judgedWorkloads } from '../core/judged-workloads.ts'
import { geomeanSpeedup } from '../core/speedup.ts'
import { codeGrams, codeSimilarity } from './code-similarity.ts'
import type { CodeGrams } from './code-similarity.ts'
import type { Sample } from './quality-metrics.ts'

/** A sample with its code. */
export interface SampleWithCode extends Sample {
  readonly code: string
}

/** What metrics look at of a candidate; facts go first, where the run has come so far. */
export function sampleOf(
  { task_id, source, language, generator, sources }: Candidate,
  evaluations: readonly Evaluation[],
  facts: CandidateFacts | null,
): SampleWithCode {
  const judged = judgedWorkloads(evaluations)
  const status =
    facts?.status ?? judged.find((each) => each.status !== 'PASSED')?.status ?? (judged.length > 0 ? 'PASSED' : null)
  return {
    task_id,
    source,
    language,
    generator,
    passed: status === null || status === 'NOT_RUN' || status === 'INVALID_REFERENCE' ? null : status === 'PASSED',
    speedup: facts?.speedup_eager ?? geomeanSpeedup(evaluations, 'speedup'),
    least_speedup: facts?.speedup_best_ci_low ?? geomeanSpeedup(evaluations, 'speedup_ci_low'),
    roofline_share: facts?.roofline_share ?? null,
    similarity: null,
    code: sources.map(({ content }) => content).join('\n'),
  }
}

// Each code is compared with one other: above this many the report would take minutes.
const MOST_COMPARED = 20_000

/** Fills in how alike each code is to the best implementation of its task by another source or model. */
export function withSimilarity(samples: readonly SampleWithCode[]): Sample[] {
  if (samples.length > MOST_COMPARED) return [...samples]
  const ofTask = Map.groupBy(samples, ({ task_id }) => task_id)
  const grams = new Map<SampleWithCode, CodeGrams>()
  const read = (sample: SampleWithCode): CodeGrams => {
    const known = grams.get(sample) ?? codeGrams(sample.code, sample.language)
    grams.set(sample, known)
    return known
  }
  return samples.map((sample) => {
    const others = (ofTask.get(sample.task_id) ?? []).filter(
      (other) =>
        other.passed === true &&
        other.language === sample.language &&
        (other.source !== sample.source || other.generator !== sample.generator),
    )
    const best = others.toSorted((a, b) => (b.speedup ?? 0) - (a.speedup ?? 0))[0]
    return { ...sample, similarity: best === undefined ? null : codeSimilarity(read(sample), read(best)) }
  })
}
