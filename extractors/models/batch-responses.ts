import { open } from 'node:fs/promises'
import { z } from 'zod'
import { systemCodeOf } from '../../pipelines/core/errors.ts'
import { withoutSecrets } from '../../pipelines/core/secrets.ts'
import { Completion, addCompletion, emptyAnswer } from './chat-message.ts'
import type { PartialAnswer } from './chat-message.ts'
import { linePlaces, readPlace } from './line-places.ts'
import type { LinePlace } from './line-places.ts'

/** The answers of a batch: where each lies is known, and none is held in memory. */
export interface BatchResponses {
  readonly keys: ReadonlySet<string>
  /** An answer, or why it is none; null where there is no line of this key. */
  read(key: string): Promise<PartialAnswer | { readonly problem: string } | null>
  close(): Promise<void>
}

const Response = z.looseObject({
  custom_id: z.string(),
  response: z.looseObject({ status_code: z.int().nullish(), body: z.unknown() }).nullish(),
  error: z.unknown(),
})

/** Opens a file of answers, which may be absent. Lines that are none of ours are left alone; of several for a question the first counts. */
export async function openResponses(path: string): Promise<BatchResponses> {
  const places = new Map<string, LinePlace>()
  const file = await open(path, 'r').catch((error: unknown) => {
    if (systemCodeOf(error) === 'ENOENT') return null
    throw error
  })
  if (file === null) return { keys: new Set(), read: async () => null, close: async () => undefined }
  for await (const { place, text } of linePlaces(path)) {
    const parsed = Response.safeParse(jsonOf(text))
    if (parsed.success && !places.has(parsed.data.custom_id)) places.set(parsed.data.custom_id, place)
  }
  return {
    keys: new Set(places.keys()),
    async read(key) {
      const place = places.get(key)
      return place === undefined ? null : answerOf(jsonOf(await readPlace(file, place)))
    },
    close: () => file.close(),
  }
}

function answerOf(line: unknown): PartialAnswer | { readonly problem: string } {
  const { response, error } = Response.parse(line)
  const completion = Completion.safeParse(response?.body)
  const answer = emptyAnswer()
  if (completion.success) addCompletion(answer, completion.data)
  if (answer.finish_reason !== null) return answer
  return { problem: withoutSecrets(JSON.stringify(error ?? response ?? null).slice(0, 500)) }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}
