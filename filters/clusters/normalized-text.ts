import { normalizeSource } from '../../pipelines/core/source-text.ts'

// Several facts of a candidate look at the same few texts, one candidate after the other.
const recent = new Map<string, string>()
const MOST_TEXTS = 16

/** Source text without comments and layout, as `normalizeSource` has it, worked out once for all that ask in a row. */
export function normalizedText(text: string, language: string): string {
  const key = `${language} ${text}`
  const known = recent.get(key)
  if (known !== undefined) return known
  if (recent.size >= MOST_TEXTS) recent.clear()
  const normalized = normalizeSource(text, language)
  recent.set(key, normalized)
  return normalized
}
