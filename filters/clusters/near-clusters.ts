import { SIGNATURE_LENGTH } from './minhash.ts'
import { openDisjointSets } from './disjoint-sets.ts'

/** Signatures of `count` texts, one after the other. */
export interface Signatures {
  readonly values: Uint32Array
  readonly count: number
}

/** Similarity from which two texts are near duplicates: between the 0.7 of The Stack and the 0.85 of FineWeb-like sets of prose. */
export const NEAR = 0.8

// 16 bands of 8: a pair of similarity 0.8 shares one with probability 0.95, one of 0.5 with 0.06 (Leskovec et al., section 3.4).
const BANDS = 16
const ROWS = SIGNATURE_LENGTH / BANDS

// Different texts of one bucket that a further text is compared with. Common boilerplate fills buckets with thousands.
const MAX_HEADS = 8

/**
 * Which texts are nearly the same: for each the index of the first text of its cluster. Texts that share a band of their
 * signatures are compared, and joined where the signatures agree in `threshold` of their values. One band in memory at a time.
 */
export function nearClusters({ values, count }: Signatures, threshold = NEAR): Uint32Array {
  const sets = openDisjointSets(count)
  for (let band = 0; band < BANDS; band += 1) {
    const buckets = new Map<number, number | number[]>()
    for (let text = 0; text < count; text += 1) {
      const key = bandKey(values, text, band)
      const bucket = buckets.get(key)
      if (bucket === undefined) {
        buckets.set(key, text)
        continue
      }
      const heads = typeof bucket === 'number' ? [bucket] : bucket
      const near = heads.filter((head) => isNear(values, head, text, threshold))
      for (const head of near) sets.join(head, text)
      if (near.length === 0 && heads.length < MAX_HEADS) buckets.set(key, [...heads, text])
    }
  }
  return sets.firsts()
}

/** Share of equal values of the signatures of two texts: an estimate of their Jaccard similarity. */
export function similarityOf(values: Uint32Array, a: number, b: number): number {
  let equal = 0
  for (let index = 0; index < SIGNATURE_LENGTH; index += 1) {
    if (values[a * SIGNATURE_LENGTH + index] === values[b * SIGNATURE_LENGTH + index]) equal += 1
  }
  return equal / SIGNATURE_LENGTH
}

function isNear(values: Uint32Array, a: number, b: number, threshold: number): boolean {
  return similarityOf(values, a, b) >= threshold
}

// 53 bits of two hashes: among a million texts a pair of different bands meets by chance once in ten thousand runs, and is compared then.
function bandKey(values: Uint32Array, text: number, band: number): number {
  let high = 0x9e3779b9
  let low = 0x85ebca6b
  for (let row = 0; row < ROWS; row += 1) {
    const value = values[text * SIGNATURE_LENGTH + band * ROWS + row] ?? 0
    high = Math.imul(high ^ value, 0x01000193)
    low = Math.imul(low + value, 0x9e3779b1) ^ (low >>> 15)
  }
  return (high >>> 0) * 2 ** 21 + (low >>> 11)
}
