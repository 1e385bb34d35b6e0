import type { Judged } from '../types.ts'
import { plainWords, structureOf } from '../clusters/abstract-words.ts'
import { shinglesOf } from '../clusters/minhash.ts'
import { singleOperatorOf } from '../facts/operator-facts.ts'
import { languageOf } from '../facts/text-facts.ts'
import { hashOfProgram, readIndex } from './benchmark-index.ts'
import type { Problem } from './benchmark-index.ts'

/** How near a row is to the problems of an index. */
export type Contamination = (judged: Pick<Judged, 'candidate' | 'task' | 'graph'>) => ContaminationFacts

type ContaminationFacts = ReturnType<typeof factsOf>

/** Compares with the problems of the index that comes with curate, or of another one. */
export function openContamination(problems: readonly Problem[] = readIndex()): Contamination {
  const measures = { ngram: openMeasure(problems, 'ngram'), structure: openMeasure(problems, 'structure') }
  const names = new Map(problems.toReversed().map(({ id }) => [plainName(id), id]))
  const compareGraph = openGraphMeasure(problems)
  const hashes = new Map(problems.toReversed().map(({ hash, id }) => [hash, id]))
  hashes.delete('')
  let last: ReadReference | null = null

  // Candidates of a task come together: its reference is read once.
  function readReference(reference: string): ReadReference {
    if (last?.reference !== reference) {
      last = {
        reference,
        operator: singleOperatorOf({ reference }),
        ngram: shinglesOf(plainWords(reference, 'python')),
        structure: shinglesOf(structureOf(reference, 'python')),
      }
    }
    return last
  }
  return ({ candidate, task, graph = null }) => {
    const reference = readReference(task.reference)
    const texts = candidate.sources.map(({ path, content }) => ({
      content,
      language: languageOf(path, candidate.language),
    }))
    const ngrams = texts.map(({ content, language }) => shinglesOf(plainWords(content, language)))
    const structures = texts.map(({ content, language }) => shinglesOf(structureOf(content, language)))
    const exact = [
      hashOfProgram(task.reference, 'python'),
      ...texts.map(({ content, language }) => hashOfProgram(content, language)),
    ]
    const same = exact.map((hash) => hashes.get(hash)).find((id) => id !== undefined)
    const name = names.get(plainName(task.name)) ?? names.get(plainName(reference.operator ?? '')) ?? null
    return factsOf({
      ngram: same === undefined ? measures.ngram([reference.ngram, ...ngrams]) : { score: 1, nearest: same },
      structure: measures.structure([reference.structure, ...structures]),
      graph: compareGraph(graph),
      name: { score: name === null ? 0 : 1, nearest: name },
    })
  }
}

interface ReadReference {
  readonly reference: string
  readonly ngram: Set<number>
  readonly structure: Set<number>
  /** The one operator that it calls; null where it calls several. */
  readonly operator: string | null
}

interface Score {
  readonly score: number
  /** Null where nothing of any problem was found. */
  readonly nearest: string | null
}

// The measure that gives the reason where several give the same score: what says most goes first.
const MEASURES = ['graph', 'ngram', 'structure', 'name'] as const

function factsOf(scores: Readonly<Record<(typeof MEASURES)[number], Score | null>>) {
  const known = MEASURES.flatMap((measure) => {
    const score = scores[measure]
    return score === null ? [] : [{ measure, ...score }]
  })
  const highest = known.reduce((best, each) => (each.score > best.score ? each : best))
  return {
    contamination: highest.score,
    contamination_nearest: highest.nearest,
    contamination_measure: highest.nearest === null ? null : highest.measure,
    contamination_ngram: scores.ngram?.score ?? null,
    contamination_structure: scores.structure?.score ?? null,
    contamination_graph: scores.graph?.score ?? null,
    contamination_name: scores.name?.score ?? null,
  }
}

// What is left of a problem without the runs that others share may be too little to know it by.
const LEAST_HASHES = 12

/** The largest share of a problem's hashes that one of the texts holds. */
function openMeasure(problems: readonly Problem[], measure: 'ngram' | 'structure') {
  const holders = new Map<number, number[]>()
  for (const [place, problem] of problems.entries()) {
    if (problem[measure].length < LEAST_HASHES) continue
    for (const hash of problem[measure]) {
      const known = holders.get(hash)
      if (known === undefined) holders.set(hash, [place])
      else known.push(place)
    }
  }
  return (texts: readonly ReadonlySet<number>[]): Score => {
    let best: Score = { score: 0, nearest: null }
    for (const shingles of texts) {
      const counts = new Map<number, number>()
      for (const shingle of shingles) {
        for (const place of holders.get(shingle) ?? []) counts.set(place, (counts.get(place) ?? 0) + 1)
      }
      for (const [place, count] of counts) {
        const problem = problems[place]
        const score = count / (problem?.[measure].length ?? 1)
        if (
          problem !== undefined &&
          (score > best.score || (score === best.score && problem.id < (best.nearest ?? '')))
        ) {
          best = { score, nearest: problem.id }
        }
      }
    }
    return best
  }
}

/** Whether a graph is that of a problem; null where none of them was traced as it was. */
function openGraphMeasure(problems: readonly Problem[]) {
  const idOf = new Map<string, string>()
  const ways = new Set<string>()
  for (const { id, graph } of problems) {
    if (graph === null) continue
    ways.add(wayOf(graph))
    if (!idOf.has(graph)) idOf.set(graph, id)
  }
  return (graph: string | null): Score | null => {
    if (graph === null || !ways.has(wayOf(graph))) return null
    const nearest = idOf.get(graph) ?? null
    return { score: nearest === null ? 0 : 1, nearest }
  }
}

// Tracer and version of PyTorch, which stand before the hash: graphs of others are not comparable.
function wayOf(graph: string): string {
  return graph.slice(0, graph.lastIndexOf('/'))
}

// `kernelbench/level1/19_ReLU`, `aten/native_relu` and `relu` are the same name. One of a letter or two is none.
function plainName(name: string): string {
  const plain = (name.split('/').at(-1) ?? '')
    .replace(/^\d+_/, '')
    .replace(/^_?native_/, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]/g, '')
  return plain.length < 3 ? `${name} is short` : plain
}
