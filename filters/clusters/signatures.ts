import { hashOf } from '../../pipelines/core/hash.ts'
import type { Column } from '../../pipelines/core/parquet.ts'
import type { Candidate } from '../../pipelines/core/records/candidate.ts'
import { normalizedText } from './normalized-text.ts'
import { languageOf } from '../facts/text-facts.ts'
import type { Judged } from '../types.ts'
import { wordsOf } from './abstract-words.ts'
import { encodeSignature, signatureOf } from './minhash.ts'

const TEXT = { type: 'string', nullable: true, description: '', statistics: false } as const

/** What clusters are made from, kept beside the facts while filters run. */
export const SIGNATURE_COLUMNS: readonly Column[] = [
  { name: 'code_hash', ...TEXT },
  { name: 'code_signature', ...TEXT },
  { name: 'reference_signature', ...TEXT },
]

/** Hash of the code without comments and layout, and signatures of code and reference without their own names. */
export function signaturesOf({ candidate, task }: Pick<Judged, 'candidate' | 'task'>) {
  const { sources, language } = candidate
  const words = sources.flatMap(({ path, content }) => wordsOf(content, languageOf(path, language)))
  return {
    code_hash: sources.length === 0 ? null : hashOf(normalizedSources(candidate)),
    code_signature: encodeSignature(signatureOf(words)),
    reference_signature: encodeSignature(signatureOf(wordsOf(withoutNumbers(task.reference), 'python'))),
  }
}

// Names of files are left out where there is one: a copy under another name is a copy.
function normalizedSources({ sources, language }: Candidate): unknown {
  const normalized = sources.map(({ path, content }) => ({
    path: sources.length === 1 ? '' : path,
    content: normalizedText(content, languageOf(path, language)),
  }))
  return normalized.toSorted((a, b) => (a.path < b.path ? -1 : 1))
}

// Tasks that differ in sizes alone are the same task on other workloads.
function withoutNumbers(reference: string): string {
  return reference.replaceAll(/\b\d[\d_.]*(?:e-?\d+)?\b/g, '0')
}
