/**
 * Models that were trained on problems of a benchmark, by a part of their name: their answers to other tasks may repeat what those
 * problems taught. Known from the papers that present them.
 */
const TRAINED: readonly { readonly part: string; readonly benchmark: string }[] = [
  // 180 of the 200 problems of levels 1 and 2 (arXiv 2507.11948).
  { part: 'kevin-32b', benchmark: 'kernelbench' },
  // All 250 problems (arXiv 2507.14111).
  { part: 'cuda-l1', benchmark: 'kernelbench' },
  // Answers of Kevin-32B (arXiv 2510.07356).
  { part: 'kernelcoder', benchmark: 'kernelbench' },
]

/** The benchmark that a model is known to have been trained on; null where none is known, and for people’s code. */
export function benchmarkOfGenerator(generator: string | null): string | null {
  const name = generator?.toLowerCase() ?? ''
  return TRAINED.find(({ part }) => name.includes(part))?.benchmark ?? null
}
