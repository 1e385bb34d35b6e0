import { z } from 'zod'
import type { RecordFilter, Subject, Verdict } from './types.ts'
import { keep, refuse } from './verdict.ts'

const Options = z.strictObject({
  origins: z
    .array(z.enum(['mined', 'compiled', 'generated', 'imported', 'revision']))
    .min(1)
    .default(['mined', 'compiled', 'generated', 'imported', 'revision'])
    .describe('Where code may come from'),
  traceable: z
    .boolean()
    .default(true)
    .describe('Whether people’s code must name repository and commit, and a model’s code its model'),
  leaked_generators: z
    .array(z.string())
    .default([])
    .describe(
      'Models trained on a benchmark, by a part of their name in any case: their rows may repeat its answers. Known ones: `Kevin-32B`, `CUDA-L1`, `KernelCoder`',
    ),
})
type Options = z.infer<typeof Options>

/** Keeps what can be traced, and what no model wrote that has seen the answers. */
export const provenance: RecordFilter<Options> = {
  id: 'provenance',
  version: 1,
  kind: 'record',
  summary: 'Keeps candidates of traceable origin, and none of models that were trained on a benchmark',
  options: Options,
  decide({ facts, candidate }, options) {
    if (!options.origins.includes(facts.origin)) return refuse('other_origin', facts.origin)
    const leaked = leakOf(facts.generator, options.leaked_generators)
    if (leaked !== null) return refuse('generator_leakage', `${facts.generator} was trained on a benchmark`)
    return options.traceable ? traced(candidate) : keep()
  },
}

function leakOf(generator: string | null, leaked: readonly string[]): string | null {
  const name = generator?.toLowerCase() ?? ''
  return leaked.find((part) => part !== '' && name.includes(part.toLowerCase())) ?? null
}

function traced({ origin, repo_name, commit_sha, generator }: Subject['candidate']): Verdict {
  const isOfPeople = origin === 'mined' || origin === 'revision'
  if (isOfPeople && (repo_name === null || commit_sha === null))
    return refuse('no_provenance', 'no repository or commit')
  if (origin === 'generated' && generator === null) return refuse('no_provenance', 'no model is named')
  return keep()
}
