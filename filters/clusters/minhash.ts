/** Values of a signature. The standard error of a similarity of 0.8 is 0.035. */
export const SIGNATURE_LENGTH = 128

/** Words in a row that are compared as one (what The Stack and its successors used on code). */
const SHINGLE_WORDS = 5

/**
 * The MinHash signature of a text's shingles (Broder, 1997): the share of equal values of two signatures estimates the Jaccard
 * similarity of the sets. Null for a text of no words.
 */
export function signatureOf(words: readonly string[]): Uint32Array | null {
  const shingles = shinglesOf(words)
  if (shingles.size === 0) return null
  const signature = new Uint32Array(SIGNATURE_LENGTH).fill(0xffffffff)
  for (const shingle of shingles) {
    for (let index = 0; index < SIGNATURE_LENGTH; index += 1) {
      const value = mix(shingle ^ (SEEDS[index] ?? 0))
      if (value < (signature[index] ?? 0)) signature[index] = value
    }
  }
  return signature
}

/** The hashes of all runs of five words; of the whole text where it is shorter. */
export function shinglesOf(words: readonly string[]): Set<number> {
  const hashes = words.map(hashOfWord)
  const shingles = new Set<number>()
  if (hashes.length === 0) return shingles
  const last = Math.max(0, hashes.length - SHINGLE_WORDS)
  for (let start = 0; start <= last; start += 1) {
    let hash = 0
    const end = Math.min(hashes.length, start + SHINGLE_WORDS)
    for (let place = start; place < end; place += 1) hash = mix(Math.imul(hash, 31) + (hashes[place] ?? 0))
    shingles.add(hash)
  }
  return shingles
}

/** A signature as text, for tables. */
export function encodeSignature(signature: Uint32Array | null): string | null {
  return signature === null ? null : Buffer.from(signature.buffer).toString('base64')
}

/** Writes the signature that `text` holds to its place in `into`. */
export function decodeSignature(text: string, into: Uint32Array, place: number): void {
  const bytes = Buffer.from(text, 'base64')
  for (let index = 0; index < SIGNATURE_LENGTH; index += 1) {
    into[place * SIGNATURE_LENGTH + index] = bytes.readUInt32LE(index * 4)
  }
}

/** Mixes the bits of a number so that each depends on all (the finalizer of MurmurHash3, which is a bijection). */
export function mix(value: number): number {
  let hash = value
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

const SEEDS = Uint32Array.from({ length: SIGNATURE_LENGTH }, (_, index) => mix(index + 1))

// FNV-1a over UTF-16 code units.
function hashOfWord(word: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < word.length; index += 1) hash = Math.imul(hash ^ word.charCodeAt(index), 0x01000193)
  return hash >>> 0
}
