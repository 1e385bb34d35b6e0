import type { ValidatorSettings } from '../../validators/validator.ts'
import type { Recipe } from './recipe.ts'

/** What of a recipe decides verdicts: the same wherever candidates are judged, so that none is judged twice. */
export function validatorSettings({ seed, validate }: Recipe): ValidatorSettings {
  const { mode, calls, max_workloads, timeout_s, timing_s, build_timeout_s, memory_bytes } = validate
  const { own_kernel, library_calls, static_tags, backward, precision, baselines, sanitizer_share } = validate
  const limits = { max_workloads, timeout_s, timing_s, build_timeout_s, memory_bytes }
  const policies = { own_kernel, library_calls, static_tags, backward, precision }
  return { mode, calls, ...limits, ...policies, baselines, sanitizer_share, seed }
}
