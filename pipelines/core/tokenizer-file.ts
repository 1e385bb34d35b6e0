import { readFile } from 'node:fs/promises'
import { basename } from 'node:path'
import { CurateError, messageOf } from './errors.ts'
import { sha256 } from './hash.ts'
import { TOKENIZER_NAMES, countTokens, withoutLongRuns } from './tokenizer.ts'

/** Counts tokens under one tokenizer. */
export interface TokenCounter {
  /** As rows name it: a bundled encoding, or the file with the beginning of its SHA-256, so that nobody takes another one for it. */
  readonly name: string
  count(text: string): Promise<number>
}

/** Opens a tokenizer: a bundled encoding by name, or a `tokenizer.json` of the Hub by path. */
export async function openTokenizer(nameOrPath: string): Promise<TokenCounter> {
  const bundled = TOKENIZER_NAMES.find((name) => name === nameOrPath)
  if (bundled !== undefined) return { name: bundled, count: (text) => countTokens(text, bundled) }
  const { Tokenizer } = await import('@huggingface/tokenizers')
  try {
    const text = await readFile(nameOrPath)
    const definition: unknown = JSON.parse(text.toString('utf8'))
    if (typeof definition !== 'object' || definition === null) throw new TypeError('it holds no object')
    const tokenizer = new Tokenizer(definition, {})
    const count = (piece: string): number => tokenizer.encode(piece, { add_special_tokens: false }).ids.length
    // What is broken breaks here, and not in the middle of a run.
    count('x = 1\n')
    return {
      name: `${basename(nameOrPath)}@${sha256(text).slice(0, 12)}`,
      count: async (whole) => [...withoutLongRuns(whole)].reduce((sum, piece) => sum + count(piece), 0),
    }
  } catch (error) {
    throw new CurateError('bad_tokenizer', `${nameOrPath} is no tokenizer: ${messageOf(error)}`, {
      hint: `Name a tokenizer.json as the Hub has them, or one of ${TOKENIZER_NAMES.join(', ')}.`,
      cause: error,
    })
  }
}

/** Whether a recipe names a file and not a bundled encoding. */
export function isTokenizerPath(nameOrPath: string): boolean {
  return !TOKENIZER_NAMES.some((name) => name === nameOrPath)
}
