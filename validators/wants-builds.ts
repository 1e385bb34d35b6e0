import type { EvaluateRequest } from './protocol.ts'

/** Whether a candidate could want anything built, as the judge itself decides (judge/prepared.py); others would only cost it a message. */
export function wantsBuilds({ candidate }: Pick<EvaluateRequest, 'candidate'>): boolean {
  return candidate.sources.some(({ content }) => /cpp_extension|load_inline/.test(content))
}
