import { z } from 'zod'
import type { RecordFilter } from './types.ts'
import { keep, refuse } from './verdict.ts'

const Options = z.strictObject({
  max_secrets: z.int().min(0).default(0).describe('Texts that look like credentials'),
  max_personal_data: z
    .int()
    .min(0)
    .nullable()
    .default(0)
    .describe('E-mail addresses and telephone numbers; null where notices of authors are to stay'),
})
type Options = z.infer<typeof Options>

/** Keeps what holds no credentials and no addresses of people; reasons name no such text. */
export const safety: RecordFilter<Options> = {
  id: 'safety',
  version: 1,
  kind: 'record',
  summary: 'Keeps candidates without credentials and personal data in code, reference and reasoning',
  options: Options,
  decide({ facts: { secrets, personal_data } }, { max_secrets, max_personal_data }) {
    if (secrets !== null && secrets > max_secrets) return refuse('holds_secrets', null, secrets, max_secrets)
    if (personal_data !== null && max_personal_data !== null && personal_data > max_personal_data) {
      return refuse('holds_personal_data', null, personal_data, max_personal_data)
    }
    return keep(secrets, max_secrets)
  },
}
