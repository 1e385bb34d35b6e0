/**
 * Who survives among duplicates, first to last, as SQL orders facts: what passed, what was proved on a GPU, what was timed and is
 * faster, what may be passed on, what has a reasoning and a shorter one, shorter code, lower id.
 */
export const SURVIVOR_ORDER = `status = 'PASSED' DESC NULLS LAST, proved_on = 'gpu' DESC NULLS LAST,
  speedup_eager_ci_low DESC NULLS LAST, license IS NULL, reasoning_tokens ASC NULLS LAST, code_tokens ASC NULLS LAST, candidate_id`
