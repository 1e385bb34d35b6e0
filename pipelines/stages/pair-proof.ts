import type { PairDefect } from '../../extractors/pairing/repository-pairing.ts'
import type { Pair } from '../../extractors/types.ts'
import type { ProgramFinding } from '../../validators/protocol.ts'
import { PROGRAM_CHECK } from '../../validators/program-worker.ts'
import type { ProgramWorker } from '../../validators/program-worker.ts'
import { taskId, workloadId } from '../core/records/task.ts'
import type { Recipe } from './recipe.ts'

/** What the output of `pair` depends on where programs are run; nothing where they are not. */
export function proofConfig({ pair }: Recipe): Readonly<Record<string, unknown>> {
  return pair.prove ? { prove: PROGRAM_CHECK } : {}
}

/** Runs the reference of a pair and imports its implementation; null where nothing speaks against them. */
export async function provePair(pair: Pair, checker: ProgramWorker, device: string): Promise<PairDefect | null> {
  const workloads = pair.workloads.map((axes) => ({ id: workloadId({ ...axes }), axes: { ...axes } }))
  const content = { reference: pair.reference, workloads }
  const task = { id: taskId(content), ...content }
  const reference = await checker.check({ task, candidate: null }, device)
  return defectOf('reference', reference, pair.referenceRequires) ?? (await proveImplementation(pair, checker, device))
}

/** Imports the implementation of a pair; null where nothing speaks against it. */
export async function proveImplementation(
  pair: Pair,
  checker: ProgramWorker,
  device: string,
): Promise<PairDefect | null> {
  const sources = [{ path: 'candidate.py', content: pair.candidate }]
  const implementation = { language: pair.language, form: 'python', entry_point: 'candidate.py::ModelNew', sources }
  // Which task it is for does not matter here, so that one implementation is imported once.
  const none = { id: 'none', reference: '', workloads: [] }
  const candidate = await checker.check({ task: none, candidate: implementation }, device)
  return defectOf('candidate', candidate, pair.candidateRequires)
}

const REASONS = {
  reference: { IMPORT_ERROR: 'reference_import', FAILS: 'reference_fails' },
  candidate: { IMPORT_ERROR: 'candidate_import', FAILS: 'candidate_fails' },
} as const

function defectOf(
  side: keyof typeof REASONS,
  finding: ProgramFinding | null,
  requires: readonly string[],
): PairDefect | null {
  if (finding === null || !finding.certain) return null
  // What a program says that it needs may be there on another machine.
  const { cause, log, missing_module } = finding
  if (missing_module !== null && requires.includes(missing_module)) return null
  const detail = log.slice(0, MAX_DETAIL)
  if (cause === 'CONSTANT') return { reason: 'reference_constant', detail }
  if (cause === 'RETURNS_INPUT') return { reason: 'reference_returns_input', detail }
  return { reason: cause === 'IMPORT_ERROR' ? REASONS[side].IMPORT_ERROR : REASONS[side].FAILS, detail }
}

const MAX_DETAIL = 500
