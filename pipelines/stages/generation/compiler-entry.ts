import { z } from 'zod'
import { INDUCTOR } from '../../../validators/program-worker.ts'
import type { ProgramWorker } from '../../../validators/program-worker.ts'
import type { CompiledProgram } from '../../../validators/protocol.ts'
import { candidateId, candidates } from '../../core/records/candidate.ts'
import type { Candidate } from '../../core/records/candidate.ts'
import { rejects } from '../../core/records/reject.ts'
import type { Task } from '../../core/records/task.ts'
import type { StageContext } from '../../core/stage.ts'
import { rowOf } from '../../core/table.ts'
import type { TableRow } from '../../core/table.ts'
import type { Recipe } from '../recipe.ts'
import { mapInOrder } from './in-order.ts'
import { ChosenTasks } from './model-entry.ts'
import { tasksFor } from './task-stream.ts'

/** What one entry under `generate.compilers` says, its id left out. */
export const compilerEntryShape = {
  tasks: ChosenTasks.prefault({}).describe('Which tasks are compiled'),
  max_workloads: z
    .int()
    .positive()
    .max(16)
    .default(3)
    .describe('Workloads that an implementation is written for, the first ones: each gets kernels for its own sizes'),
}

const CompilerSettings = z.strictObject(compilerEntryShape)

/** One entry under `generate.compilers`. */
export type CompilerEntry = z.infer<typeof CompilerSettings> & { readonly id: string }

/** What the output of an entry depends on, besides its tasks. */
export function compilerConfig(entry: CompilerEntry): unknown {
  return { ...entry, compiler: INDUCTOR }
}

/** Has the tasks of an entry compiled: a candidate each, or a reject that says why there is none. */
export async function* runCompiler(
  context: StageContext<Recipe, unknown>,
  entry: CompilerEntry,
  worker: ProgramWorker,
): AsyncGenerator<TableRow> {
  const { progress, signal, world } = context
  const compile = async (task: Task): Promise<TableRow> => {
    signal.throwIfAborted()
    progress.expect(1)
    const workloads = task.workloads.slice(0, entry.max_workloads)
    const program = await worker.compile({ id: task.id, reference: task.reference, workloads }, world.device)
    progress.advance()
    return toRow(task, entry, program)
  }
  yield* mapInOrder(tasksOf(context, entry), AT_A_TIME, compile)
}

// More than there are processes: these queue by themselves.
const AT_A_TIME = { active: 16, held: 64 }

async function* tasksOf(context: StageContext<Recipe, unknown>, entry: CompilerEntry): AsyncGenerator<Task> {
  for await (const { task } of tasksFor(context, entry)) yield task
}

function toRow(task: Task, entry: CompilerEntry, { source, compiler, refusal }: CompiledProgram): TableRow {
  if (source !== null) return rowOf(candidates, toCandidate(task, entry, source, compiler))
  const reason = refusal?.cause === 'EXTERN_ONLY' ? 'extern_only' : 'not_compiled'
  const detail = refusal === null ? null : `${refusal.cause}: ${refusal.log.slice(0, MAX_DETAIL)}`
  return rowOf(rejects, { record_id: task.id, stage: 'generate', by: INDUCTOR, reason, detail, source: entry.id })
}

const MAX_DETAIL = 500

function toCandidate(task: Task, entry: CompilerEntry, content: string, compiler: string | null): Candidate {
  const candidate = {
    task_id: task.id,
    origin: 'compiled' as const,
    language: 'triton',
    form: 'python' as const,
    entry_point: 'candidate.py::ModelNew',
    sources: [{ path: 'candidate.py', content }],
    requires: ['torch', 'triton'],
    kernel_ids: [],
    reasoning: null,
    generator: compiler === null ? 'TorchInductor' : `TorchInductor (${compiler})`,
    source: entry.id,
    repo_name: null,
    commit_sha: null,
    // Written by a program from the reference, whose terms hold for what is made of it.
    license: task.license,
    pieces: [],
  }
  return { id: candidateId(candidate), ...candidate }
}
