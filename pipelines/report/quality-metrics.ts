/** A candidate as metrics see it. */
export interface Sample {
  readonly task_id: string
  readonly source: string
  readonly language: string
  readonly generator: string | null
  /** Null where nobody judged it, or nothing could run it: it counts in no metric. */
  readonly passed: boolean | null
  /** Over the reference in eager mode, ratio of medians. */
  readonly speedup: number | null
  /** Over the fastest baseline of each workload, the lower end of the 95 % interval. */
  readonly least_speedup: number | null
  /** Share of the hardware’s peak, 0 to 1. */
  readonly roofline_share: number | null
  /** Likeness to the best implementation of its task by somebody else, 0 to 1. */
  readonly similarity: number | null
}

/** The metrics of one group of samples; null where nothing of it was measured. */
export interface QualityMetrics {
  readonly source: string
  readonly language: string
  readonly generator: string | null
  readonly tasks: number
  readonly samples: number
  readonly pass_at_1: number | null
  readonly pass_at_5: number | null
  readonly fast_0: number | null
  readonly fast_1: number | null
  readonly fast_2: number | null
  readonly sure_1: number | null
  readonly speedup_at_1: number | null
  readonly speedup_at_5: number | null
  readonly efficiency_at_1: number | null
  readonly efficiency_at_5: number | null
  readonly perf_at_5: number | null
  readonly similarity: number | null
}

/**
 * What each metric means, by the papers that introduced it: they are those that the survey of the field names (arXiv 2601.15727,
 * section 6.1), whose own wording is not followed.
 */
export const DEFINITIONS: Readonly<Record<string, string>> = {
  'pass@k':
    'probability that one of k samples of a task passes, without bias for the number of samples (Chen et al., arXiv 2107.03374)',
  fast_p:
    'share of tasks of which one sample passes and is more than p times as fast as the reference in eager mode; of several samples the expectation; fast_0 is pass@1 (KernelBench, arXiv 2502.10517)',
  sure_1:
    'fast_1 with the lower end of the 95 % interval, over the fastest baseline that was timed, in place of the ratio of medians over eager mode',
  'speedup@k':
    'expected speedup of the best of k samples, one that fails counting 0 (ParEval, arXiv 2401.12554); as every figure of speed, over the tasks all of whose passing samples were timed',
  'efficiency@k': 'the same of the share of the hardware’s peak, where the roofline was measured',
  'Perf@k':
    'expected speedup of the best of k samples over that of the fastest known implementation of the task, by anybody',
  similarity:
    'mean of word and syntax n-gram precision to the best implementation of the task by another source or model, after CodeBLEU (arXiv 2009.10297)',
}

/** The metrics of every source, language and model that has judged samples. */
export function qualityMetrics(samples: readonly Sample[]): QualityMetrics[] {
  const best = bestOfTasks(samples)
  const judged = samples.filter(({ passed }) => passed !== null)
  const groups = Map.groupBy(judged, ({ source, language, generator }) => JSON.stringify([source, language, generator]))
  return [...groups].toSorted(([a], [b]) => (a < b ? -1 : 1)).map(([, group]) => metricsOf(group, best))
}

function metricsOf(group: readonly Sample[], best: ReadonlyMap<string, number>): QualityMetrics {
  const [first] = group
  const tasks = [...Map.groupBy(group, ({ task_id }) => task_id)].map(([id, own]) => ({ id, own }))
  const over = (k: number, value: (sample: Sample) => number | null): number | null =>
    mean(tasks.map(({ own }) => bestOfAll(own.map(value), k)))
  const isTimed = group.some(({ speedup }) => speedup !== null)
  const isMeasured = group.some(({ roofline_share }) => roofline_share !== null)
  const fast = (p: number): number | null => (isTimed || p === 0 ? over(1, (each) => isFaster(each, p)) : null)
  return {
    source: first?.source ?? '',
    language: first?.language ?? '',
    generator: first?.generator ?? null,
    tasks: tasks.length,
    samples: group.length,
    pass_at_1: over(1, ({ passed }) => Number(passed === true)),
    pass_at_5: over(5, ({ passed }) => Number(passed === true)),
    fast_0: fast(0),
    fast_1: fast(1),
    fast_2: fast(2),
    sure_1: isTimed ? over(1, (each) => isFaster({ ...each, speedup: each.least_speedup }, 1)) : null,
    speedup_at_1: isTimed ? over(1, speedOf) : null,
    speedup_at_5: isTimed ? over(5, speedOf) : null,
    efficiency_at_1: isMeasured ? over(1, shareOf) : null,
    efficiency_at_5: isMeasured ? over(5, shareOf) : null,
    perf_at_5: isTimed
      ? mean(tasks.map(({ id, own }) => shareOfBest(bestOfAll(own.map(speedOf), 5), best.get(id))))
      : null,
    similarity: mean(group.map(({ similarity }) => similarity)),
  }
}

// What is unknown of one sample cannot be left out: those that fail are always known, and would weigh too much.
function bestOfAll(values: readonly (number | null)[], k: number): number | null {
  const known = values.filter((value) => value !== null)
  return known.length < values.length ? null : bestOfK(known, k)
}

/**
 * The expected largest of k values drawn without replacement; null for fewer than k values. For values of 0 and 1 it is the
 * unbiased pass@k.
 */
export function bestOfK(values: readonly number[], k: number): number | null {
  const known = values.toSorted((a, b) => a - b)
  if (known.length < k) return null
  let expected = 0
  // C(j - 1, k - 1) / C(n, k), from one j to the next: no factorial, so that nothing overflows.
  let chance = 1 / binomial(known.length, k)
  for (let j = k; j <= known.length; j += 1) {
    expected += chance * (known[j - 1] ?? 0)
    chance *= j / (j - k + 1)
  }
  return expected
}

function binomial(n: number, k: number): number {
  let result = 1
  for (let index = 1; index <= k; index += 1) result *= (n - k + index) / index
  return result
}

// One that failed is worth nothing; one that passed and was never timed is not known.
function speedOf({ passed, speedup }: Sample): number | null {
  return passed === true ? speedup : 0
}

function shareOf({ passed, roofline_share }: Sample): number | null {
  return passed === true ? roofline_share : 0
}

function isFaster({ passed, speedup }: Sample, p: number): number | null {
  if (passed !== true || p === 0) return Number(passed === true)
  return speedup === null ? null : Number(speedup > p)
}

function bestOfTasks(samples: readonly Sample[]): Map<string, number> {
  const best = new Map<string, number>()
  for (const { task_id, passed, speedup } of samples) {
    if (passed === true && speedup !== null) best.set(task_id, Math.max(speedup, best.get(task_id) ?? 0))
  }
  return best
}

function shareOfBest(reached: number | null, best: number | undefined): number | null {
  return reached === null || best === undefined ? null : reached / best
}

function mean(values: readonly (number | null)[]): number | null {
  const known = values.filter((value) => value !== null)
  return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length
}
