import { normalizeCode, normalizeSource } from '../../pipelines/core/source-text.ts'

// Several facts of a candidate look at the same few texts, one candidate after the other.
const recent = new Map<string, string>()
const MOST_TEXTS = 16

/** Source text without comments and layout, as `normalizeSource` has it, worked out once for all that ask in a row. */
export function normalizedText(text: string, language: string): string {
  return remembered(`${language} ${text}`, () => normalizeSource(text, language))
}

/** The same without documentation strings. */
export function normalizedCode(text: string, language: string): string {
  return remembered(`code ${language} ${text}`, () => normalizeCode(text, language))
}

function remembered(key: string, normalize: () => string): string {
  const known = recent.get(key)
  if (known !== undefined) return known
  if (recent.size >= MOST_TEXTS) recent.clear()
  const normalized = normalize()
  recent.set(key, normalized)
  return normalized
}
