import type { Reasoning } from '../../pipelines/core/records/candidate.ts'
import { DEFAULT_TOKENIZER, countTokens } from '../../pipelines/core/tokenizer.ts'
import { isWrittenByPeople } from '../reasoning/message-author.ts'
import { cleanMessage } from '../reasoning/message-text.ts'
import type { Commit } from '../types.ts'

/** Above this a body holds logs or lists of changes; the subject stands for it. */
const MAX_BODY_CHARACTERS = 12_000
const MAX_COMMENTS = 20

/**
 * Why a state was changed into the next: the messages of the commits between them, oldest first, without people, addresses and
 * bookkeeping, and the comments that came with the change. Null where nothing is left of them.
 */
export async function revisionReasoning(
  commits: readonly Commit[],
  comments: readonly string[],
): Promise<Reasoning | null> {
  const messages = commits.map(({ subject, body }) =>
    cleanMessage(subject, body.length > MAX_BODY_CHARACTERS ? '' : body),
  )
  const notes = comments.slice(0, MAX_COMMENTS).map((comment) => `- ${cleanMessage(comment, '')}`)
  const said = notes.length === 0 ? [] : [`Comments that came with the change:\n${notes.join('\n')}`]
  const text = [...messages.filter((message) => message !== ''), ...said].join('\n\n')
  if (text === '') return null
  const kind = commits.every(isWrittenByPeople) ? 'human' : 'model'
  return { text, kind, num_tokens: await countTokens(text), tokenizer: DEFAULT_TOKENIZER }
}
