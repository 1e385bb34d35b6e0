import type { Reasoning } from '../../pipelines/core/records/candidate.ts'
import { DEFAULT_TOKENIZER, countTokens } from '../../pipelines/core/tokenizer.ts'
import { withoutPersonalData } from './personal-data.ts'

/** A trace of a model, without secrets and personal data, and measured. */
export async function measureTrace(trace: string): Promise<Reasoning> {
  const text = withoutPersonalData(trace)
  return { text, kind: 'model', num_tokens: await countTokens(text), tokenizer: DEFAULT_TOKENIZER }
}
