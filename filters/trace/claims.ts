import type { Judged } from '../types.ts'
import { CLAIM_RULES, inCode } from './claim-rules.ts'
import type { ClaimGround } from './claim-rules.ts'
import { assertionsOf, partsOf } from './prose.ts'

/** One thing that a trace says of its kernel, and whether it is so. */
export interface Claim {
  /** Kind, with the value that is claimed: `block_size 256`, `name rows_kernel`. */
  readonly claim: string
  readonly holds: boolean
  /** Where it shows; the sentence that claims it where it does not hold. */
  readonly evidence: string
}

/**
 * The claims of a trace that code or ptxas can decide, each once. A trace that weighs other ways is not held to them: sentences that
 * ask, negate or suppose are left out (filters/trace/prose.ts).
 */
export function claimsOf(trace: string, judged: Pick<Judged, 'candidate' | 'task' | 'evaluations'>): Claim[] {
  const ground = groundOf(judged)
  const claims = new Map<string, Claim>()
  for (const sentence of assertionsOf(partsOf(trace.slice(0, MAX_CHARACTERS)).paragraphs)) {
    for (const claim of [...ruled(sentence, ground), ...named(sentence, ground)]) {
      if (!claims.has(claim.claim)) claims.set(claim.claim, claim)
    }
  }
  return [...claims.values()]
}

// Ten times what the longest traces of published datasets have.
const MAX_CHARACTERS = 1_000_000

function groundOf({ candidate, evaluations }: Pick<Judged, 'candidate' | 'evaluations'>): ClaimGround {
  return {
    code: candidate.sources.map(({ content }) => content).join('\n'),
    language: candidate.language,
    kernels: evaluations.find(({ build }) => (build?.kernels.length ?? 0) > 0)?.build?.kernels ?? [],
  }
}

function ruled(sentence: string, ground: ClaimGround): Claim[] {
  return CLAIM_RULES.flatMap(({ id, said, shownBy }) => {
    const match = said.exec(sentence)
    if (match === null) return []
    const value = match.slice(1).find((group) => group !== undefined) ?? ''
    const shown = shownBy(ground, value)
    if (shown === undefined) return []
    return [claimOf(value === '' ? id : `${id} ${value}`, shown, sentence)]
  })
}

// A name in code marks that looks like one of the kernel's own: names of libraries may be spoken of without being used.
function named(sentence: string, ground: ClaimGround): Claim[] {
  return [...sentence.matchAll(/`([A-Za-z_]\w{2,60})(?:\([^`]{0,60}\))?`/g)].flatMap(([, name = '']) => {
    if (!/_|[a-z][A-Z]|[A-Z]{2}/.test(name)) return []
    return [claimOf(`name ${name}`, inCode(ground, new RegExp(`\\b${name}\\b`)), sentence)]
  })
}

function claimOf(claim: string, shown: string | null, sentence: string): Claim {
  const said = sentence.length > 160 ? `${sentence.slice(0, 160)}…` : sentence
  return { claim, holds: shown !== null, evidence: shown ?? `said: ${said}` }
}
