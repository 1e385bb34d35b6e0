import { normalizeSource } from '../core/source-text.ts'

/** A text ready to be compared: counts of its runs of one to four words, as written and with names and literals left out. */
export interface CodeGrams {
  readonly words: readonly Map<string, number>[]
  readonly structure: readonly Map<string, number>[]
}

const LONGEST = 4

/** Prepares code for comparison. */
export function codeGrams(code: string, language: string): CodeGrams {
  const words = normalizeSource(code, language)
    .split(/\s+/)
    .filter((word) => word !== '')
  return { words: gramsOf(words), structure: gramsOf(words.map(kindOf)) }
}

/**
 * How alike two codes are, 0 to 1: the mean of the clipped n-gram precisions of words and of syntax, each the geometric mean over
 * n = 1 to 4 with BLEU's penalty for what is too short. After CodeBLEU (arXiv 2009.10297), whose data flow needs a parser a language.
 */
export function codeSimilarity(code: CodeGrams, reference: CodeGrams): number {
  return (precision(code.words, reference.words) + precision(code.structure, reference.structure)) / 2
}

function gramsOf(words: readonly string[]): Map<string, number>[] {
  return Array.from({ length: LONGEST }, (_, index) => {
    const grams = new Map<string, number>()
    for (let start = 0; start + index < words.length; start += 1) {
      const gram = words.slice(start, start + index + 1).join(' ')
      grams.set(gram, (grams.get(gram) ?? 0) + 1)
    }
    return grams
  })
}

function kindOf(word: string): string {
  if (/^[A-Za-z_]\w*$/.test(word)) return 'n'
  return /^[\d.]*\d/.test(word) ? '0' : word
}

function precision(code: readonly Map<string, number>[], reference: readonly Map<string, number>[]): number {
  let logarithms = 0
  for (let index = 0; index < LONGEST; index += 1) {
    const [own, other] = [code[index] ?? new Map<string, number>(), reference[index] ?? new Map<string, number>()]
    let shared = 0
    let total = 0
    for (const [gram, count] of own) {
      shared += Math.min(count, other.get(gram) ?? 0)
      total += count
    }
    if (shared === 0) return 0
    logarithms += Math.log(shared / total)
  }
  const [length, wanted] = [lengthOf(code), lengthOf(reference)]
  return Math.exp(logarithms / LONGEST) * (length < wanted ? Math.exp(1 - wanted / length) : 1)
}

function lengthOf([single]: readonly Map<string, number>[]): number {
  return [...(single?.values() ?? [])].reduce((sum, count) => sum + count, 0)
}
