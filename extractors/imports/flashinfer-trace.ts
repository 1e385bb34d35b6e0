import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { messageOf } from '../../pipelines/core/errors.ts'
import type { ImportFormat } from '../types.ts'
import { openBytes } from './file-bytes.ts'
import type { Workload } from './flashinfer-programs.ts'
import { Definition, Solution, Trace, axesOf, referenceProgram, solutionProgram } from './flashinfer-programs.ts'
import { filesUnder } from './json-files.ts'
import { splitLines } from './jsonl.ts'

const Options = z.strictObject({
  max_workloads: z
    .int()
    .min(1)
    .max(100)
    .default(6)
    .describe('Workloads per definition, the first that can be drawn again'),
})

type Row = { readonly value: unknown } | { readonly reason: string; readonly detail: string }

/**
 * A folder in the FlashInfer-Trace layout: `definitions`, `workloads` and `solutions` are joined, and each solution, or definition
 * without one, is a row with `task`, `reference`, `workloads`, `code` and `author`. Workloads whose inputs were recorded are passed
 * over: their tensors are not there.
 */
export const flashinferTrace: ImportFormat<z.infer<typeof Options>> = {
  id: 'flashinfer-trace',
  version: 1,
  summary: 'A folder of FlashInfer-Trace: definitions, workloads and solutions',
  options: Options,
  async *read(folder, { max_workloads }) {
    const paths = await filesUnder(folder)
    const workloads = await readWorkloads(folder, paths)
    const solutions = await readSolutions(folder, paths)
    let row = 0
    for (const path of paths.filter((each) => isOf(each, 'definitions', '.json'))) {
      for (const made of rowsOf(await readJson(join(folder, path)), workloads, solutions, max_workloads)) {
        row += 1
        const detail = 'reason' in made ? { reason: made.reason, detail: `${path}: ${made.detail}` } : made
        yield { row, ...detail }
      }
    }
    for (const { path } of [...solutions.values()].flat()) {
      row += 1
      yield { row, reason: 'unknown_task', detail: `${path}: no definition has the name it solves` }
    }
  },
}

type Workloads = ReadonlyMap<string, readonly Workload[]>
type Solutions = Map<string, { readonly path: string; readonly read: unknown }[]>

function rowsOf(read: unknown, workloads: Workloads, solutions: Solutions, maxWorkloads: number): Row[] {
  const parsed = Definition.safeParse(read)
  if (!parsed.success) return [{ reason: 'bad_definition', detail: firstIssue(parsed.error) }]
  const definition = parsed.data
  const own = solutions.get(definition.name) ?? []
  solutions.delete(definition.name)
  const made = taskOf(definition, workloads.get(definition.name) ?? [], maxWorkloads)
  if ('reason' in made) return [made, ...own.map(({ path }) => ({ reason: 'unusable_task', detail: path }))]
  if (own.length === 0) return [made]
  return own.map(({ path, read: stored }) => {
    const solution = Solution.safeParse(stored)
    if (!solution.success) return { reason: 'bad_solution', detail: `${path}: ${firstIssue(solution.error)}` }
    const program = solutionProgram(definition, solution.data)
    if (program.problem !== null) return { reason: program.problem, detail: `${path}: ${program.detail}` }
    return { value: { ...made.value, code: program.code, author: solution.data.author } }
  })
}

type TaskRow = { readonly value: Record<string, unknown> } | { readonly reason: string; readonly detail: string }

function taskOf(definition: Definition, workloads: readonly Workload[], maxWorkloads: number): TaskRow {
  const drawn = workloads.map((workload) => axesOf(definition, workload))
  const axes = drawn.flatMap((made) => (made.problem === null ? [made.axes] : [])).slice(0, maxWorkloads)
  const [first] = axes
  if (first === undefined) {
    const why = drawn.flatMap((made) => (made.problem === null ? [] : [made]))[0]
    return { reason: why?.problem ?? 'no_workload', detail: why?.detail ?? 'it has no workload' }
  }
  const reference = referenceProgram(definition, first)
  if (reference.problem !== null) return { reason: reference.problem, detail: reference.detail }
  // The reference holds the first workload itself.
  return { value: { task: definition.name, reference: reference.code, workloads: [{}, ...axes.slice(1)] } }
}

async function readWorkloads(folder: string, paths: readonly string[]): Promise<Workloads> {
  const found = new Map<string, Workload[]>()
  for (const path of paths.filter((each) => isOf(each, 'workloads', '.jsonl'))) {
    for await (const { line, bytes } of splitLines(openBytes(join(folder, path)), MAX_BYTES)) {
      const trace = Trace.safeParse(parseText(bytes?.toString('utf8') ?? '', `${path}:${line}`))
      if (!trace.success) continue
      const { definition, workload } = trace.data
      found.set(definition, [...(found.get(definition) ?? []), workload])
    }
  }
  return found
}

async function readSolutions(folder: string, paths: readonly string[]): Promise<Solutions> {
  const found: Solutions = new Map()
  const Named = z.looseObject({ definition: z.string() })
  for (const path of paths.filter((each) => isOf(each, 'solutions', '.json'))) {
    const read = await readJson(join(folder, path))
    const name = Named.safeParse(read).data?.definition ?? ''
    found.set(name, [...(found.get(name) ?? []), { path, read }])
  }
  return found
}

const MAX_BYTES = 16_000_000

function isOf(path: string, folder: string, ending: string): boolean {
  return path.split('/').slice(0, -1).includes(folder) && path.endsWith(ending)
}

async function readJson(path: string): Promise<unknown> {
  return parseText(await readFile(path, 'utf8'), path)
}

// One broken file is a file without what it should hold: its row says so.
function parseText(text: string, place: string): unknown {
  if (text.length > MAX_BYTES) return { place, problem: 'too large' }
  try {
    const value: unknown = JSON.parse(text)
    return value
  } catch (error) {
    return { place, problem: messageOf(error) }
  }
}

function firstIssue(error: z.ZodError): string {
  const [issue] = error.issues
  return issue === undefined ? 'it is not as its schema says' : `${issue.path.join('.')}: ${issue.message}`
}
