import type { Selection } from './types.ts'

/** Why one answer is better than another. */
export const PREFERENCE_REASONS = [
  'correct_over_wrong',
  'compiles_over_not',
  'faster',
  'shorter_at_same_speed',
] as const
export type PreferenceReason = (typeof PREFERENCE_REASONS)[number]

/** Two answers to one question. */
export interface Preference {
  readonly reason: PreferenceReason
  readonly chosen: Selection
  readonly rejected: Selection
  /** How much better: ratio of the speedups' near ends, or of the lengths; null where one is right and one is not. */
  readonly margin: number | null
}

/** From which difference on an answer counts as better. */
export interface Margins {
  /** Lower end of the faster one's interval over the upper end of the other's. */
  readonly speedup: number
  /** Length of the longer reasoning over that of the shorter. */
  readonly length: number
}

/**
 * All pairs of answers to one question where one is better for a reason that can be named. The better one was selected; both were
 * judged, on the same hardware where their speed is compared; and what counts lies outside of the noise of both.
 */
export function preferencesOf(answers: readonly Selection[], margins: Margins): Preference[] {
  const chosen = answers.filter(({ isSelected, facts }) => isSelected && facts.status === 'PASSED')
  return chosen.flatMap((better) =>
    answers.flatMap((worse): Preference[] => {
      if (worse === better || questionOf(worse) !== questionOf(better)) return []
      const found = failed(worse) ?? faster(better, worse, margins) ?? shorter(better, worse, margins)
      return found === null ? [] : [{ ...found, chosen: better, rejected: worse }]
    }),
  )
}

/** What the question depends on besides the task: answers to other questions are no alternatives. */
function questionOf({ candidate: { language, form, entry_point } }: Selection): string {
  return [language, form, entry_point].join(' ')
}

type Found = Pick<Preference, 'reason' | 'margin'>

function failed({ facts: { status } }: Selection): Found | null {
  if (status === 'COMPILE_ERROR') return { reason: 'compiles_over_not', margin: null }
  const isWrong = status?.startsWith('INCORRECT_') === true || status === 'RUNTIME_ERROR' || status === 'TIMEOUT'
  return isWrong ? { reason: 'correct_over_wrong', margin: null } : null
}

function faster(better: Selection, worse: Selection, { speedup }: Margins): Found | null {
  const { speedup_eager_ci_low: low } = better.facts
  const { speedup_eager_ci_high: high } = worse.facts
  if (!areComparable(better, worse) || low === null || high === null) return null
  return low >= speedup * high ? { reason: 'faster', margin: low / high } : null
}

// Neither is faster beyond noise, and one needs much less thought.
function shorter(better: Selection, worse: Selection, { length }: Margins): Found | null {
  const [a, b] = [better.facts, worse.facts]
  if (!areComparable(better, worse) || a.tokenizer === null || a.tokenizer !== b.tokenizer) return null
  const ends = [a.speedup_eager_ci_low, a.speedup_eager_ci_high, b.speedup_eager_ci_low, b.speedup_eager_ci_high]
  const [lowA, highA, lowB, highB] = ends
  if (lowA == null || highA == null || lowB == null || highB == null || lowA > highB || lowB > highA) return null
  const [tokensA, tokensB] = [a.reasoning_tokens, b.reasoning_tokens]
  if (tokensA === null || tokensB === null || tokensA === 0 || tokensB < length * tokensA) return null
  return { reason: 'shorter_at_same_speed', margin: tokensB / tokensA }
}

function areComparable(a: Selection, b: Selection): boolean {
  return b.facts.status === 'PASSED' && a.facts.hardware === b.facts.hardware && a.facts.proved_on === b.facts.proved_on
}
