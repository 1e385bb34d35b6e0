import type { ChatMessage, ModelRequest } from '../../../extractors/models/types.ts'
import { hashOfMessages } from '../../../extractors/prompts/kernel-prompt.ts'
import { hashOf } from '../../core/hash.ts'
import type { ModelEntry } from './model-entry.ts'

/** Which answer is asked for. */
export interface SamplePlace {
  readonly taskId: string
  /** From 0. */
  readonly sample: number
  /** From 0. */
  readonly turn: number
}

/** A question with its place among the samples of a task. */
export interface SampledRequest extends ModelRequest {
  readonly place: SamplePlace
  readonly promptSha256: string
}

/** The question of one turn: the same for the same recipe, whenever and by whichever server it is answered. */
export function sampledRequest(
  place: SamplePlace,
  model: string,
  messages: readonly ChatMessage[],
  entry: Pick<ModelEntry, 'sampling'>,
  recipeSeed: number,
): SampledRequest {
  const { temperature, top_p, max_tokens, extra, seed } = entry.sampling
  const drawn = seed === null ? null : seedOf(recipeSeed, place)
  const sampling = { temperature, top_p, max_tokens, seed: drawn, extra }
  const promptSha256 = hashOfMessages(messages)
  const key = hashOf({ place, model, prompt: promptSha256, sampling }).slice(0, 32)
  return { key, model, messages, sampling, place, promptSha256 }
}

/** The model of a sample, drawn by the weights of the endpoints, and by nothing that differs between runs. */
export function modelOf(
  { taskId, sample }: Pick<SamplePlace, 'taskId' | 'sample'>,
  { endpoints, batch }: Pick<ModelEntry, 'endpoints' | 'batch'>,
  recipeSeed: number,
): string {
  if (batch !== null) return batch.model
  const weights = new Map<string, number>()
  for (const { model, weight } of endpoints) weights.set(model, (weights.get(model) ?? 0) + weight)
  const total = [...weights.values()].reduce((sum, weight) => sum + weight, 0)
  let left = total * (Number.parseInt(hashOf(['model', recipeSeed, taskId, sample]).slice(0, 12), 16) / 2 ** 48)
  const ordered = [...weights].toSorted(([a], [b]) => (a < b ? -1 : 1))
  for (const [model, weight] of ordered) {
    left -= weight
    if (left < 0) return model
  }
  return ordered.at(-1)?.[0] ?? ''
}

// Servers take seeds of 32 bits, some of them signed.
function seedOf(recipeSeed: number, { taskId, sample, turn }: SamplePlace): number {
  return Number.parseInt(hashOf(['seed', recipeSeed, taskId, sample, turn]).slice(0, 8), 16) >>> 1
}
