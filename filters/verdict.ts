import type { Verdict } from './types.ts'

/** A candidate is kept; `score` is what was measured, `threshold` what it was compared with. */
export function keep(score: number | null = null, threshold: number | null = null): Verdict {
  return { keep: true, score, threshold, reason: null, detail: null, parts: [] }
}

/** A candidate is refused for a snake_case reason. */
export function refuse(
  reason: string,
  detail: string | null,
  score: number | null = null,
  threshold: number | null = null,
): Verdict {
  return {
    keep: false,
    score,
    threshold,
    reason,
    detail: detail === null ? null : detail.slice(0, MAX_DETAIL),
    parts: [],
  }
}

// A reject row holds at most 2 KiB of detail, and details quote text of strangers.
export const MAX_DETAIL = 500
