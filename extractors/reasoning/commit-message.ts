import { z } from 'zod'
import { DEFAULT_TOKENIZER, TOKENIZER_NAMES, countTokens } from '../../pipelines/core/tokenizer.ts'
import type { ReasoningSource } from '../types.ts'
import { explainsDesign } from './design-words.ts'
import { isWrittenByPeople } from './message-author.ts'
import { cleanMessage } from './message-text.ts'

const Options = z.strictObject({
  max_commits: z.int().positive().default(30).describe('Commits looked at per kernel, the newest ones'),
  max_characters: z
    .int()
    .positive()
    .default(12_000)
    .describe('Longer messages are passed over: they hold logs or lists of changes'),
  min_words: z.int().min(0).default(20).describe('Words of a message, code and bookkeeping left out'),
  min_mechanisms: z
    .int()
    .min(0)
    .default(2)
    .describe(
      'Kinds of mechanism it must name: cache, registers, tiles, fusion, ... (extractors/reasoning/design-words.ts)',
    ),
  min_reasons: z
    .int()
    .min(0)
    .default(2)
    .describe('Kinds of reason it must name: because, so that, instead of, avoids, conflicts, ... (same file)'),
  tokenizer: z.enum(TOKENIZER_NAMES).default(DEFAULT_TOKENIZER).describe('Encoding the length is counted in'),
})

/**
 * The message of the newest commit that changed a kernel and explains why. Messages are cleaned of people, addresses and
 * bookkeeping; one that a program wrote is passed over, since the kind says `human`.
 */
export const commitMessage: ReasoningSource<z.infer<typeof Options>> = {
  id: 'commit-message',
  version: 1,
  summary: 'The newest commit message on a kernel that explains an optimisation or a design',
  options: Options,
  async findReasoning(place, repository, options) {
    const { path, start_line, end_line } = place
    const commits = await repository.history(path, start_line, end_line, options.max_commits)
    const short = commits.filter(({ subject, body }) => subject.length + body.length <= options.max_characters)
    const texts = short.filter(isWrittenByPeople).map(({ subject, body }) => cleanMessage(subject, body))
    const text = texts.find((candidate) => explainsDesign(candidate, options))
    if (text === undefined) return null
    const { tokenizer } = options
    return { text, kind: 'human', num_tokens: await countTokens(text, tokenizer), tokenizer }
  },
}
