import { z } from 'zod'

const VARIABLE = z.string().regex(/^[A-Z][A-Z0-9_]*$/, 'the name of an environment variable, never a key itself')

/** What a model costs. */
export const Price = z.strictObject({
  input: z.number().min(0).describe('Per million tokens of the question'),
  output: z.number().min(0).describe('Per million tokens of the answer, reasoning included'),
})

/** One server that answers, as a recipe names it. */
export const EndpointOptions = z.strictObject({
  model: z.string().min(1).describe('Name of the model, as the server knows it; `generator` of the rows'),
  url: z
    .url({ protocol: /^https?$/ })
    .refine(hasNoCredentials, 'an address without user, password or key: name the variable that holds it in `key`')
    .nullable()
    .default(null)
    .describe('Address up to and with `/v1`; null for the environment variable OPENAI_BASE_URL'),
  key: VARIABLE.nullable()
    .default(null)
    .describe('Environment variable that holds the key, such as `OPENAI_API_KEY`; null to send none'),
  weight: z.number().positive().default(1).describe('Share of the questions, relative to the other endpoints'),
  max_concurrent: z.int().positive().max(4096).default(16).describe('Questions it works on at the same time'),
  stream: z.boolean().default(true).describe('Whether answers come token by token, so that a stuck one is noticed'),
  stall_s: z.number().positive().default(300).describe('Seconds without a token after which a question is asked again'),
  timeout_s: z.number().positive().default(3600).describe('Seconds one answer may take as a whole'),
  price: Price.nullable().default(null).describe('What it costs, in the currency of `budget.cost`; null for nothing'),
})
export type EndpointOptions = z.infer<typeof EndpointOptions>

/** What one entry may spend, over all runs of its recipe. */
export const BudgetOptions = z.strictObject({
  requests: z.int().min(0).nullable().default(null).describe('Questions; null for no limit'),
  tokens: z.int().min(0).nullable().default(null).describe('Tokens of questions and answers; null for no limit'),
  cost: z.number().min(0).nullable().default(null).describe('Money, in the currency of the prices; null for no limit'),
})
export type BudgetOptions = z.infer<typeof BudgetOptions>

/** How patient a run is with its endpoints. */
export const RetryOptions = z.strictObject({
  max_attempts: z.int().positive().default(6).describe('Attempts at one question; waiting for a rate limit is none'),
  first_delay_s: z
    .number()
    .positive()
    .default(1)
    .describe('Longest wait before the second attempt, seconds; doubled with each, and drawn between 0 and that'),
  max_delay_s: z.number().positive().default(60).describe('Longest wait between attempts, seconds'),
  patience_s: z
    .number()
    .positive()
    .default(900)
    .describe('Seconds for which an endpoint may do nothing but limit the rate before the run stops'),
})
export type RetryOptions = z.infer<typeof RetryOptions>

function hasNoCredentials(address: string): boolean {
  const { username, password, search } = new URL(address)
  return username === '' && password === '' && !/key|token|secret/i.test(search)
}
