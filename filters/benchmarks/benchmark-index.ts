import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { sha256 } from '../../pipelines/core/hash.ts'
import { packageRoot } from '../../pipelines/core/package-root.ts'
import { plainWords, structureOf, wordsOf } from '../clusters/abstract-words.ts'
import { shinglesOf } from '../clusters/minhash.ts'
import type { Benchmark } from './benchmark-list.ts'

/** Where the index lies in the repository; built by `curate benchmarks --update`. */
export const INDEX_FILE = join(packageRoot, 'filters', 'benchmarks', 'index.jsonl')

const Sketch = z.array(z.int())

/** What is kept of a problem: hashes of some of its word runs, nothing of its text. */
const Problem = z.object({
  id: z.string().describe('`benchmark/problem`'),
  /**
   * Hash of the whole text with its own names renamed: problems that differ in one word from others have no runs of their own.
   * Empty where there is no text.
   */
  hash: z.string(),
  /** Hashes of runs of five words, those that few problems of the benchmark share; the smallest 64. */
  ngram: Sketch,
  /** The same with names and literals left out. */
  structure: Sketch,
  /** Fingerprint of its traced graph, shapes aside; null for problems that are no program to trace. */
  graph: z.string().nullable(),
})
export type Problem = z.infer<typeof Problem>

/** Hashes kept of a problem: the standard error of a share of 0.8 is 0.05. */
const SKETCH_LENGTH = 64

// Runs that many problems of a benchmark have are its form, such as `class Model(nn.Module)`, and identify none of them.
const MOST_PROBLEMS_SHARE = 0.02

/**
 * The index of one benchmark from the texts of its problems, and the graphs of those that have one, by name. Variants of a problem
 * may have everything in common: what they share counts once.
 */
export function indexProblems(
  benchmark: Benchmark,
  texts: ReadonlyMap<string, string>,
  graphs: ReadonlyMap<string, string> = new Map(),
): Problem[] {
  const { id, language, hasVariants = false } = benchmark
  const problems = [...texts]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, text]) => ({
      id: `${id}/${name}`,
      family: hasVariants ? name.split('/')[0] : name,
      hash: hashOfProgram(text, language),
      ngram: shinglesOf(plainWords(text, language)),
      structure: shinglesOf(structureOf(text, language)),
      graph: graphs.get(name) ?? null,
    }))
  const families = [...Map.groupBy(problems, ({ family }) => family).values()]
  const most = Math.max(3, MOST_PROBLEMS_SHARE * families.length)
  const shared = (measure: 'ngram' | 'structure'): Set<number> =>
    commonIn(
      families.map((family) => new Set(family.flatMap((problem) => [...problem[measure]]))),
      most,
    )
  const isCommon = { ngram: shared('ngram'), structure: shared('structure') }
  return problems.map((problem) => ({
    id: problem.id,
    hash: problem.hash,
    ngram: smallest(problem.ngram, isCommon.ngram),
    structure: smallest(problem.structure, isCommon.structure),
    graph: problem.graph,
  }))
}

/** An index as text: one problem a line. */
export function renderIndex(problems: readonly Problem[]): string {
  return problems
    .map(
      (problem) =>
        `${JSON.stringify({ ...problem, ngram: encode(problem.ngram), structure: encode(problem.structure) })}\n`,
    )
    .join('')
}

const Line = z.object({
  id: z.string(),
  hash: z.string(),
  ngram: z.string(),
  structure: z.string(),
  graph: z.string().nullable().default(null),
})

/** Reads the index that comes with curate. */
export function readIndex(path = INDEX_FILE): Problem[] {
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
  return lines.map((line) => {
    const { id, hash, ngram, structure, graph } = Line.parse(JSON.parse(line))
    return { id, hash, ngram: decode(ngram), structure: decode(structure), graph }
  })
}

/** The same for programs that differ in comments, layout and the names they chose; empty for what is no program. */
export function hashOfProgram(text: string, language: string): string {
  const words = wordsOf(text, language)
  return words.length === 0 ? '' : sha256(words.join(' ')).slice(0, 16)
}

function commonIn(all: readonly ReadonlySet<number>[], most: number): Set<number> {
  const counts = new Map<number, number>()
  for (const shingles of all) for (const shingle of shingles) counts.set(shingle, (counts.get(shingle) ?? 0) + 1)
  return new Set([...counts].filter(([, count]) => count > most).map(([shingle]) => shingle))
}

function smallest(shingles: ReadonlySet<number>, common: ReadonlySet<number>): number[] {
  return [...shingles]
    .filter((shingle) => !common.has(shingle))
    .toSorted((a, b) => a - b)
    .slice(0, SKETCH_LENGTH)
}

function encode(hashes: readonly number[]): string {
  return Buffer.from(Uint32Array.from(hashes).buffer).toString('base64')
}

function decode(text: string): number[] {
  const bytes = Buffer.from(text, 'base64')
  return Array.from({ length: bytes.length / 4 }, (_, index) => bytes.readUInt32LE(index * 4))
}
