import { z } from 'zod'
import { BudgetOptions, EndpointOptions, Price, RetryOptions } from '../../../extractors/models/endpoint-options.ts'
import { isPromptPath, kernelPrompts } from '../../../extractors/prompts/kernel-prompt.ts'

const Sampling = z.strictObject({
  temperature: z.number().min(0).max(2).nullable().default(0.8).describe('Null leaves it to the server'),
  top_p: z.number().gt(0).max(1).nullable().default(null).describe('Null leaves it to the server'),
  max_tokens: z.int().positive().default(16_384).describe('Longest answer, tokens, reasoning included'),
  seed: z
    .enum(['derived'])
    .nullable()
    .default('derived')
    .describe('`derived`: one per sample and turn, from the seed of the recipe; null sends none'),
  extra: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('Further fields of the request, such as `reasoning_effort` or `chat_template_kwargs`'),
})

/** Which tasks an entry is for. */
export const ChosenTasks = z.strictObject({
  only: z
    .enum(['all', 'without_candidate'])
    .default('all')
    .describe('`without_candidate`: tasks for which no repository has an implementation'),
  limit: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe('The first so many, or so many implementations where conversations begin with one; null for all'),
})

const Batch = z.strictObject({
  model: z.string().min(1).describe('Name of the model, `generator` of the rows'),
  requests: z.string().describe('File that questions are written to, relative to the recipe'),
  responses: z.string().describe('File that answers are read from, relative to the recipe; it may be absent'),
  price: Price.nullable().default(null).describe('What it costs, in the currency of `budget.cost`; null for nothing'),
})

/** What one entry under `generate.models` says, its id left out. */
export const modelEntryShape = {
  prompt: z
    .string()
    .refine((name) => isPromptPath(name) || kernelPrompts().includes(name), {
      error: `a bundled prompt (${kernelPrompts().join(', ')}) or the path of a file that ends with .md`,
    })
    .default('write-triton')
    .describe('Prompt: the name of a bundled one, or a file relative to the recipe'),
  endpoints: z.array(EndpointOptions).default([]).describe('Servers that are asked, OpenAI-compatible ones'),
  batch: Batch.nullable()
    .default(null)
    .describe('Files of questions and answers instead of servers, for a cluster without network; null for servers'),
  sampling: Sampling.prefault({}).describe('How answers are drawn'),
  tasks: ChosenTasks.prefault({}).describe('Which tasks are asked for'),
  start: z
    .enum(['task', 'failed_candidates'])
    .default('task')
    .describe(
      '`failed_candidates`: each conversation begins with an implementation that failed, which is to be corrected',
    ),
  samples: z.int().positive().max(1000).default(5).describe('Answers per task, each drawn anew'),
  max_samples: z
    .int()
    .positive()
    .max(1000)
    .nullable()
    .default(null)
    .describe('Up to so many for hard tasks: the share of `samples` that fails decides; null for no more'),
  enough: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe('Right implementations after which a task is not sampled further; null to sample all'),
  turns: z
    .int()
    .positive()
    .max(64)
    .default(1)
    .describe('Turns of a conversation; after each the model is told what came of it'),
  until: z
    .enum(['passed', 'faster', 'last_turn'])
    .default('passed')
    .describe(
      'A conversation ends once it is right, once it is right and `target_speedup` times as fast as PyTorch, or never',
    ),
  target_speedup: z.number().positive().default(1).describe('What `faster` means, against PyTorch in eager mode'),
  context_turns: z
    .int()
    .min(1)
    .nullable()
    .default(null)
    .describe('Turns that the model sees of its conversation, the last ones; null for all'),
  budget: BudgetOptions.prefault({}).describe('What may be spent, over all runs of the recipe'),
  retry: RetryOptions.prefault({}).describe('When questions are asked again'),
}

const ModelSettings = z.strictObject(modelEntryShape)
type ModelSettings = z.infer<typeof ModelSettings>

/** One entry under `generate.models`. */
export type ModelEntry = ModelSettings & { readonly id: string }

/** Refuses what the shape alone allows. */
export function checkModelEntry(entry: ModelSettings, context: z.RefinementCtx): void {
  const issue = (path: string, message: string): void => context.addIssue({ code: 'custom', path: [path], message })
  if (entry.endpoints.length > 0 === (entry.batch !== null)) {
    issue('endpoints', 'give either endpoints or a batch')
  }
  if (entry.max_samples !== null && entry.max_samples < entry.samples) {
    issue('max_samples', `must be at least samples, which is ${entry.samples}`)
  }
  const taken = Object.keys(entry.sampling.extra).find((name) => RESERVED.has(name))
  if (taken !== undefined) issue('sampling', `extra.${taken} is set by curate`)
}

const RESERVED = new Set(['model', 'messages', 'stream', 'stream_options', 'max_tokens', 'n'])

/** Whether what becomes of an answer decides what is asked next: then candidates are judged while they are generated. */
export function needsJudge({ turns, max_samples, enough, start }: ModelEntry): boolean {
  return turns > 1 || max_samples !== null || enough !== null || start === 'failed_candidates'
}
