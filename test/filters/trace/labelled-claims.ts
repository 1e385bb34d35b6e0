import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { z } from 'zod'
import { claimsOf } from '../../../filters/trace/claims.ts'
import type { Claim } from '../../../filters/trace/claims.ts'
import { aCandidate, aTask, anEvaluation } from '../../records.ts'

const Kernel = z.strictObject({
  name: z.string(),
  registers: z.int(),
  shared_bytes: z.int(),
  stack_bytes: z.int(),
  spill_store_bytes: z.int(),
  spill_load_bytes: z.int(),
})
const File = z.strictObject({
  language: z.string(),
  kernels: z.array(Kernel),
  code: z.string(),
  traces: z.array(
    z.strictObject({
      text: z.string(),
      /** Everything the trace says of the kernel that code or ptxas can decide: whether it is so; null where nothing can tell. */
      claims: z.record(z.string(), z.boolean().nullable()),
    }),
  ),
})

/** A trace with what people say it claims. */
export interface LabelledTrace {
  readonly place: string
  readonly labels: Readonly<Record<string, boolean | null>>
  readonly found: readonly Claim[]
}

const FIXTURES = join(import.meta.dirname, '..', '..', 'fixtures', 'claims')

/** The traces of a set, each with the claims found in it. */
export function labelledTraces(set: 'tuned' | 'held-out' | 'unseen'): LabelledTrace[] {
  const folder = join(FIXTURES, set)
  return readdirSync(folder).flatMap((name) => {
    const { language, kernels, code, traces } = File.parse(parse(readFileSync(join(folder, name), 'utf8')))
    const task = aTask()
    const candidate = aCandidate(task, { language, sources: [{ path: 'kernel.py', content: code }] })
    const build = { compiler: 'nvcc', artifact_sha256: null, method: 'split', fallback: null, kernels }
    const judged = { candidate, task, evaluations: [anEvaluation(candidate, { build })] }
    return traces.map(({ text, claims }, index) => ({
      place: `${name.replace('.yaml', '')} ${index + 1}`,
      labels: claims,
      found: claimsOf(text, judged),
    }))
  })
}

/** How what is found compares with the labels. */
export interface ClaimFigures {
  readonly traces: number
  readonly labelled: number
  readonly labelledFalse: number
  /** Found claims that are labelled. */
  readonly found: number
  /** Found claims that nobody made. */
  readonly invented: readonly string[]
  readonly missed: readonly string[]
  /** Held to be false though they are true, or were never made. */
  readonly accusedWrongly: readonly string[]
  /** Held to be false, and labelled so. */
  readonly accusedRightly: number
  /** Held to be true though they are labelled false. */
  readonly believedWrongly: readonly string[]
}

export function figuresOf(traces: readonly LabelledTrace[]): ClaimFigures {
  const tell = (place: string, claim: string): string => `${place}: ${claim}`
  const all = traces.flatMap(({ place, found, labels }) =>
    found.map(({ claim, holds }) => ({ name: tell(place, claim), holds, label: labels[claim] ?? null })),
  )
  const labels = traces.flatMap(({ place, labels: own, found }) =>
    Object.entries(own).flatMap(([claim, isSo]) =>
      isSo === null ? [] : [{ name: tell(place, claim), isSo, isFound: found.some((each) => each.claim === claim) }],
    ),
  )
  const names = (some: readonly { readonly name: string }[]): string[] => some.map(({ name }) => name)
  return {
    traces: traces.length,
    labelled: labels.length,
    labelledFalse: labels.filter(({ isSo }) => !isSo).length,
    found: all.filter(({ label }) => label !== null).length,
    invented: names(all.filter(({ label }) => label === null)),
    missed: names(labels.filter(({ isFound }) => !isFound)),
    accusedWrongly: names(all.filter(({ holds, label }) => !holds && label !== false)),
    accusedRightly: all.filter(({ holds, label }) => !holds && label === false).length,
    believedWrongly: names(all.filter(({ holds, label }) => holds && label === false)),
  }
}
