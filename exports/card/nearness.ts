import type { CandidateFacts } from '../../pipelines/core/records/candidate-facts.ts'
import { count, ranked } from './counts.ts'
import type { Counts } from './counts.ts'
import { renderTable } from './markdown.ts'

/** How near rows are to public benchmarks, by one measure. */
export interface Nearness {
  /** Rows that were compared by it. */
  compared: number
  /** Rows with at least half of a problem. */
  half: number
  /** Rows that hold all that is kept of a problem. */
  whole: number
}

/** What is counted of benchmarks. */
interface Benchmarks {
  readonly nearness: ReadonlyMap<Measure, Nearness>
  readonly benchmarks: Counts
  readonly taughtBy: Counts
}

/** The measures, and what a card says of each. */
const MEASURES = {
  ngram: 'words, runs of five',
  structure: 'syntax without names and literals',
  graph: 'traced graph of the reference',
  name: 'name of the task or of its one operator',
} as const
export type Measure = keyof typeof MEASURES

export function countNearness(of: Map<Measure, Nearness>, benchmarks: Counts, facts: CandidateFacts): void {
  const scores: Record<Measure, number | null> = {
    ngram: facts.contamination_ngram,
    structure: facts.contamination_structure,
    graph: facts.contamination_graph,
    name: facts.contamination_name,
  }
  for (const measure of ORDER) {
    const score = scores[measure]
    const known = of.get(measure) ?? { compared: 0, half: 0, whole: 0 }
    of.set(measure, known)
    known.compared += Number(score !== null)
    known.half += Number(score !== null && score >= 0.5)
    known.whole += Number(score !== null && score >= 1)
  }
  const [benchmark] = (facts.contamination_nearest ?? '').split('/')
  if ((facts.contamination ?? 0) < 0.5 || benchmark === undefined || benchmark === '') return
  count(benchmarks, benchmark)
}

const ORDER: readonly Measure[] = ['ngram', 'structure', 'graph', 'name']

/** The part of the card about benchmarks: scores are counted, whether or not a filter looked at them. */
export function renderNearness({ nearness: of, benchmarks, taughtBy }: Benchmarks): string {
  const rows = ORDER.map((measure) => {
    const { compared, half, whole } = of.get(measure) ?? { compared: 0, half: 0, whole: 0 }
    return [MEASURES[measure], compared, half, whole]
  })
  return [
    'Selected rows against the problems of the benchmarks in the index that came with curate, the highest score of reference and code. Scores and',
    'the nearest problem of every row are in the config `candidates`. A name or a graph of one common operator is nobody’s property.',
    '',
    renderTable(['measure', 'rows compared', 'half of a problem or more', 'all of it'], rows),
    ...(benchmarks.size === 0
      ? []
      : ['', renderTable(['benchmark that is nearest', 'rows from 0.5'], ranked(benchmarks))]),
    ...(taughtBy.size === 0
      ? []
      : ['', renderTable(['benchmark that the model was trained on', 'rows of such models'], ranked(taughtBy))]),
  ].join('\n')
}
