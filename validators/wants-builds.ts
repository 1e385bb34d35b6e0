import type { EvaluateRequest } from './protocol.ts'

/** Whether a candidate could want anything compiled, as the judge itself decides (judge/prepared.py); others would only cost it a message. */
export function wantsBuilds({ candidate }: Pick<EvaluateRequest, 'candidate'>): boolean {
  if (waitsForBuilds({ candidate })) return true
  return candidate.form === 'python' && candidate.sources.some(({ content }) => content.includes('triton'))
}

/** Whether it cannot be judged before that is compiled; Triton compiles in the candidate's own process where nobody did before. */
export function waitsForBuilds({ candidate }: Pick<EvaluateRequest, 'candidate'>): boolean {
  if (candidate.form === 'device') return true
  if (candidate.form === 'native') return candidate.sources.some(({ path }) => path.endsWith('.cu'))
  return candidate.sources.some(({ content }) => /cpp_extension|load_inline/.test(content))
}
