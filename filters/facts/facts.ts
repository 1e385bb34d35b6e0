import type { GivenFacts, OwnFacts } from '../../pipelines/core/records/candidate-facts.ts'
import type { Judged } from '../types.ts'
import { openContamination } from '../benchmarks/contamination.ts'
import { benchmarkOfGenerator } from '../benchmarks/trained-generators.ts'
import type { Contamination } from '../benchmarks/contamination.ts'
import { evidenceFacts } from './evidence-facts.ts'
import { kernelFacts } from './kernel-facts.ts'
import { operatorFacts } from './operator-facts.ts'
import { rooflineFacts } from './roofline-facts.ts'
import { safetyFacts } from './safety-facts.ts'
import { textFacts } from './text-facts.ts'
import { traceFacts } from './trace-facts.ts'

/**
 * What one candidate by itself shows. `given` is what its file already said of it, which goes first: a team with a validator of its
 * own knows things that no text shows.
 */
export async function ownFacts(judged: Judged, given: GivenFacts = {}): Promise<OwnFacts> {
  const { candidate, task } = judged
  const operators = operatorFacts(task)
  const computed = {
    candidate_id: candidate.id,
    task_id: task.id,
    task_name: task.name,
    source: candidate.source,
    origin: candidate.origin,
    language: candidate.language === UNKNOWN_LANGUAGE ? null : candidate.language,
    form: candidate.form,
    generator: candidate.generator,
    repo_name: candidate.repo_name,
    reference_repo_name: repositoryOf(task),
    license: candidate.license,
    reference_license: task.license,
    pairing_method: task.pairing?.method ?? null,
    pairing_confidence: task.pairing?.confidence ?? null,
    ...evidenceFacts(judged),
    is_claimed: claimOf(judged, given),
    ...(await textFacts(candidate)),
    ...(await traceFacts(judged)),
    ...operators,
    ...rooflineFacts(judged, operators.operators),
    reference_graph: given.reference_graph ?? judged.graph ?? null,
    ...kernelFacts(judged),
    ...safetyFacts(judged),
    contamination_generator: benchmarkOfGenerator(candidate.generator),
    ...compare({ ...judged, graph: given.reference_graph ?? judged.graph ?? null }),
  }
  return withBest({ ...computed, ...stated(given) })
}

// Who ran it here knows; a file may say that it passed, how fast it is, or nothing.
function claimOf({ evaluations }: Judged, { status, speedup_eager, proved_on }: GivenFacts): boolean | null {
  if (evaluations.length > 0) return false
  return [status, speedup_eager, proved_on].some((stated) => stated !== null && stated !== undefined) ? true : null
}

// A file that names baselines and no best one: over the faster baseline the speedup is the smaller one.
function withBest(facts: OwnFacts): OwnFacts {
  const best = (...figures: readonly (number | null)[]): number | null => {
    const known = figures.filter((figure) => figure !== null)
    return known.length === 0 ? null : Math.min(...known)
  }
  return {
    ...facts,
    speedup_best: facts.speedup_best ?? best(facts.speedup_eager, facts.speedup_compile),
    speedup_best_ci_low: facts.speedup_best_ci_low ?? best(facts.speedup_eager_ci_low, facts.speedup_compile_ci_low),
    speedup_best_ci_high:
      facts.speedup_best_ci_high ?? best(facts.speedup_eager_ci_high, facts.speedup_compile_ci_high),
  }
}

/** The language of a candidate whose file says none. */
export const UNKNOWN_LANGUAGE = 'unknown'

// The index is read when the first candidate comes.
let contamination: Contamination | undefined

function compare(judged: Judged): ReturnType<Contamination> {
  contamination ??= openContamination()
  return contamination(judged)
}

// Tasks of a dataset that names no repository for them stand under the name of the dataset, which is none.
function repositoryOf({ origin, repo_name, repo_url }: Judged['task']): string | null {
  return origin === 'mined' || repo_url === `https://github.com/${repo_name}` ? repo_name : null
}

function stated(given: GivenFacts): Partial<OwnFacts> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null && value !== undefined))
}
