import { z } from 'zod'
import { countTokens } from '../pipelines/core/tokenizer.ts'
import type { DatasetFilter, Signed, Subject, Verdict } from './types.ts'
import { keep, refuse } from './verdict.ts'

const Options = z.strictObject({
  max_reasoning_tokens: z
    .int()
    .positive()
    .nullable()
    .default(16_384)
    .describe('Longest reasoning in tokens, under the tokenizer the row names; null for no limit'),
  max_ratio_to_median: z
    .number()
    .positive()
    .nullable()
    .default(null)
    .describe(
      'Longest reasoning as a multiple of the median of its task, among what the filters before kept; null for no limit',
    ),
  max_code_tokens: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe('Longest implementation in tokens; null for no limit'),
  without_reasoning: z
    .enum(['keep', 'refuse'])
    .default('keep')
    .describe('What happens to candidates nobody wrote a reasoning for'),
})
type Options = z.infer<typeof Options>

/**
 * Keeps concise candidates. Length is compared within the task, since harder tasks need more thought: pooled over tasks it
 * measures difficulty (ConCuR, arXiv 2510.07356, whose reviewers asked for this).
 */
export const conciseness: DatasetFilter<Options> = {
  id: 'conciseness',
  version: 1,
  kind: 'dataset',
  summary: 'Keeps candidates with short reasoning, absolutely and against the median of the task, and short code',
  options: Options,
  sign: async ({ candidate }, options) => ({
    reasoning_tokens: candidate.reasoning?.num_tokens ?? null,
    tokenizer: candidate.reasoning?.tokenizer ?? null,
    code_tokens: options.max_code_tokens === null ? null : await codeTokens(candidate),
  }),
  select(signatures, options) {
    const medians = mediansByGroup(signatures)
    return new Map(
      signatures.map((signed) => [signed.candidateId, decide(signed, medians.get(groupOf(signed)) ?? null, options)]),
    )
  },
}

async function codeTokens(candidate: Subject['candidate']): Promise<number> {
  const counts = await Promise.all(candidate.sources.map(({ content }) => countTokens(content)))
  return counts.reduce((sum, count) => sum + count, 0)
}

function decide({ signature }: Signed, median: number | null, options: Options): Verdict {
  const { max_reasoning_tokens, max_ratio_to_median, max_code_tokens, without_reasoning } = options
  const code = numberOrNull(signature['code_tokens'])
  if (code !== null && max_code_tokens !== null && code > max_code_tokens) {
    return refuse('code_too_long', 'tokens of all its files', code, max_code_tokens)
  }
  const tokens = numberOrNull(signature['reasoning_tokens'])
  if (tokens === null) {
    return without_reasoning === 'keep' ? keep(null, max_reasoning_tokens) : refuse('no_reasoning', null)
  }
  if (max_reasoning_tokens !== null && tokens > max_reasoning_tokens) {
    return refuse('reasoning_too_long', null, tokens, max_reasoning_tokens)
  }
  if (max_ratio_to_median !== null && median !== null && tokens > max_ratio_to_median * median) {
    return refuse(
      'reasoning_long_for_task',
      `the median of the task is ${median} tokens`,
      tokens,
      max_ratio_to_median * median,
    )
  }
  return keep(tokens, max_reasoning_tokens)
}

// Counts of different tokenizers are no common measure.
function groupOf({ taskId, signature }: Signed): string {
  return `${taskId} ${String(signature['tokenizer'])}`
}

function mediansByGroup(signatures: readonly Signed[]): Map<string, number> {
  const lengths = new Map<string, number[]>()
  for (const signed of signatures) {
    const tokens = numberOrNull(signed.signature['reasoning_tokens'])
    if (tokens === null) continue
    const group = lengths.get(groupOf(signed))
    if (group === undefined) lengths.set(groupOf(signed), [tokens])
    else group.push(tokens)
  }
  return new Map([...lengths].map(([group, values]) => [group, medianOf(values)]))
}

function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  const upper = sorted[middle] ?? 0
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2
}

function numberOrNull(value: unknown): number | null {
  return typeof value === 'number' ? value : null
}
