import { z } from 'zod'
import type { RecordFilter } from './types.ts'
import { keep, refuse } from './verdict.ts'

const Options = z.strictObject({
  kinds: z
    .array(z.enum(['model', 'human', 'evidence']))
    .min(1)
    .default(['model', 'human'])
    .describe('Whose reasoning counts: a model’s trace, what people wrote, or what was written from measurements'),
  min_tokens: z.int().min(0).default(1).describe('Shortest reasoning, tokens under the tokenizer of the candidate'),
})
type Options = z.infer<typeof Options>

/** Keeps what comes with its reasoning, for datasets that teach to reason before writing. */
export const reasoning: RecordFilter<Options> = {
  id: 'reasoning',
  version: 1,
  kind: 'record',
  summary: 'Keeps candidates that come with reasoning of the kinds named',
  options: Options,
  decide({ candidate }, { kinds, min_tokens }) {
    if (candidate.reasoning === null) return refuse('no_reasoning', null, null, min_tokens)
    const { kind, num_tokens } = candidate.reasoning
    if (!kinds.includes(kind)) return refuse('other_kind', `the reasoning is of kind ${kind}`, num_tokens, min_tokens)
    if (num_tokens < min_tokens) return refuse('short_reasoning', `${num_tokens} tokens`, num_tokens, min_tokens)
    return keep(num_tokens, min_tokens)
  },
}
