/** The text of a file, or why it is none that is read. */
export type FileText =
  | { readonly text: string; readonly reason: null }
  | { readonly text: null; readonly reason: 'blob_absent' | 'binary' | 'invalid_utf8' | 'generated' }

/** Decodes a file's bytes strictly: a replaced character would change the program. A byte order mark is dropped. */
export function decodeText(content: Buffer | null): FileText {
  if (content === null) return { text: null, reason: 'blob_absent' }
  // As git decides it: a NUL byte near the start.
  if (content.subarray(0, 8000).includes(0)) return { text: null, reason: 'binary' }
  const text = decodeUtf8(content)
  if (text === null) return { text: null, reason: 'invalid_utf8' }
  return isGenerated(text) ? { text: null, reason: 'generated' } : { text, reason: null }
}

function decodeUtf8(content: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(content)
  } catch {
    return null
  }
}

// The marks that generators agree on, in a comment near the top: https://go.dev/s/generatedcode, `@generated`, and the words of
// protobuf, SWIG and their kin.
const GENERATED =
  /^\s*(?:#|\/\/|\/?\*|;|--|""").*(?:@generated\b|(?:code|file|this file is|was|is) (?:auto(?:matically)?[- ]?)?generated\b.*\bdo not (?:edit|modify)|auto-?generated (?:by|file|from|code)\b)/im

function isGenerated(text: string): boolean {
  return GENERATED.test(text.split('\n', 20).join('\n'))
}
