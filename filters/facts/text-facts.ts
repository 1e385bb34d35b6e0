import type { Candidate } from '../../pipelines/core/records/candidate.ts'
import { normalizedText } from '../clusters/normalized-text.ts'
import { countTokens } from '../../pipelines/core/tokenizer.ts'

/** How long reasoning and code are, and how much of them says something. */
export async function textFacts({ reasoning, sources, language }: Candidate) {
  const hasCode = sources.length > 0
  const counts = await Promise.all(sources.map(({ content }) => countTokens(content)))
  const original = sources.reduce((sum, { content }) => sum + inkOf(content), 0)
  const normalized = sources.map(({ path, content }) => normalizedText(content, languageOf(path, language)))
  const kept = normalized.reduce((sum, text) => sum + inkOf(text), 0)
  return {
    reasoning_kind: reasoning?.kind ?? null,
    reasoning_tokens: reasoning?.num_tokens ?? null,
    tokenizer: reasoning?.tokenizer ?? null,
    reasoning_repetition: reasoning === null ? null : repetitionOf(reasoning.text),
    code_tokens: hasCode ? counts.reduce((sum, count) => sum + count, 0) : null,
    code_lines: hasCode ? sources.reduce((sum, { content }) => sum + linesOf(content).length, 0) : null,
    comment_share: hasCode && original > 0 ? Math.max(0, original - kept) / original : null,
  }
}

/** The language that a file of an implementation is read as. */
export function languageOf(path: string, language: string): string {
  return path.endsWith('.py') ? 'python' : language
}

function inkOf(text: string): number {
  return text.length - (text.match(/\s/g)?.length ?? 0)
}

// Models that are stuck write the same line again and again.
function repetitionOf(text: string): number | null {
  const lines = linesOf(text)
  return lines.length === 0 ? null : 1 - new Set(lines).size / lines.length
}

function linesOf(text: string): string[] {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
}
