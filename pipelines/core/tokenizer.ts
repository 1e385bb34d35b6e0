/** Encodings that ship with curate. `o200k_base` is the default: recent models' tokenizers give lengths close to it. */
export const TOKENIZER_NAMES = ['o200k_base', 'cl100k_base', 'p50k_base', 'r50k_base'] as const
export type TokenizerName = (typeof TOKENIZER_NAMES)[number]

export const DEFAULT_TOKENIZER: TokenizerName = 'o200k_base'

/** Number of tokens of a text under a named tokenizer. Names of special tokens inside the text count as ordinary text. */
export async function countTokens(text: string, tokenizer: TokenizerName = DEFAULT_TOKENIZER): Promise<number> {
  const { countTokens } = await ENCODINGS[tokenizer]()
  let count = 0
  for (const piece of withoutLongRuns(text)) count += countTokens(piece, AS_TEXT)
  return count
}

// Loaded when first asked for: the vocabulary of an encoding takes a fifth of a second and 50 MB.
const ENCODINGS = {
  o200k_base: () => import('gpt-tokenizer/encoding/o200k_base'),
  cl100k_base: () => import('gpt-tokenizer/encoding/cl100k_base'),
  p50k_base: () => import('gpt-tokenizer/encoding/p50k_base'),
  r50k_base: () => import('gpt-tokenizer/encoding/r50k_base'),
}

// Otherwise a trace that mentions `<|endoftext|>` would be an error.
const AS_TEXT = { disallowedSpecial: new Set<string>() }

// Characters of one kind in a row that are encoded as a whole. Merging is quadratic in the length of such a run, and models
// that got stuck write them: 200,000 times `a` takes 13 seconds. Cutting changes the count by at most one per piece.
const LONGEST_RUN = 512

// The kinds that encodings keep together: space, letters with their marks, anything else. A mark counts as either.
const LONG_RUNS = new RegExp(
  ['\\s', '[\\p{L}\\p{M}]', '[^\\s\\p{L}]'].map((kind) => `${kind}{${LONGEST_RUN}}`).join('|'),
  'gu',
)

/** The text in pieces that no tokenizer takes long for. */
export function* withoutLongRuns(text: string): Generator<string> {
  let start = 0
  for (const run of text.matchAll(LONG_RUNS)) {
    if (run.index > start) yield text.slice(start, run.index)
    yield run[0]
    start = run.index + run[0].length
  }
  if (start < text.length) yield text.slice(start)
}
