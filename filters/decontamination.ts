import { z } from 'zod'
import type { OwnFacts } from '../pipelines/core/records/candidate-facts.ts'
import type { RecordFilter } from './types.ts'
import { keep, refuse } from './verdict.ts'

const limit = (meaning: string, initial: number | null) =>
  z.number().min(0).max(1).nullable().default(initial).describe(`${meaning}; null for no limit`)

const Options = z.strictObject({
  max_ngram: limit('Largest share of the word 5-grams of a problem that reference or code may hold', 0.5),
  max_structure: limit(
    'The same of its syntax with names and literals left out; CUDA-Agent-Ops-6K refuses above 0.9 of the syntax tree',
    0.9,
  ),
  max_graph: limit('0 refuses references whose traced graph equals that of a problem, shapes aside', null),
  max_name: limit('0 refuses tasks that have the name of a problem', null),
  trained_generator: z
    .enum(['keep', 'refuse'])
    .default('keep')
    .describe('What happens to candidates of a model that is known to have been trained on a benchmark'),
})
type Options = z.infer<typeof Options>

/**
 * Keeps what no public benchmark asks. A task of one common operator is near to the problem that asks for it whoever wrote it, so
 * graph and name are for those who want none of the operators either.
 */
export const decontamination: RecordFilter<Options> = {
  id: 'decontamination',
  version: 2,
  kind: 'record',
  summary: 'Keeps candidates whose reference and code are far enough from the problems of public benchmarks',
  options: Options,
  decide({ facts }, options) {
    for (const { measure, limit: name } of MEASURES) {
      const [score, most] = [facts[measure], options[name]]
      if (score === null || most === null || score <= most) continue
      const by = name.replace('max_', '')
      // The nearest problem is that of the measure with the highest score.
      const nearest = facts.contamination_measure === by ? facts.contamination_nearest : null
      return refuse(`near_a_benchmark_by_${by}`, nearest, score, most)
    }
    const taught = facts.contamination_generator
    if (taught !== null && options.trained_generator === 'refuse') {
      return refuse('generator_leakage', `${facts.generator} was trained on ${taught}`)
    }
    return keep(facts.contamination, options.max_ngram)
  },
}

type Limit = Extract<keyof Options, `max_${string}`>
type Measure = Extract<keyof OwnFacts, `contamination_${'ngram' | 'structure' | 'graph' | 'name'}`>

const MEASURES: readonly { readonly measure: Measure; readonly limit: Limit }[] = [
  { measure: 'contamination_ngram', limit: 'max_ngram' },
  { measure: 'contamination_structure', limit: 'max_structure' },
  { measure: 'contamination_graph', limit: 'max_graph' },
  { measure: 'contamination_name', limit: 'max_name' },
]
