import { findModules } from '../../extractors/modules/module-tasks.ts'
import type { ModuleProgram, ModuleProposal } from '../../extractors/modules/module-tasks.ts'
import { toModuleTask } from '../../extractors/modules/module-records.ts'
import type { RecordScope } from '../../extractors/pairing/pair-records.ts'
import type { PairingInput } from '../../extractors/types.ts'
import type { ProgramWorker } from '../../validators/program-worker.ts'
import { rejects } from '../core/records/reject.ts'
import { taskId, tasks, workloadId } from '../core/records/task.ts'
import type { StageContext } from '../core/stage.ts'
import { rowOf } from '../core/table.ts'
import type { TableRow } from '../core/table.ts'
import type { Recipe } from './recipe.ts'

/** Named in rejects and in tasks; raised by every change that finds other modules or calls them in another way. */
const MODULES = 'modules@2'

/** What the output of `pair` depends on where modules become tasks; nothing where they do not. */
export function modulesConfig({ pair }: Recipe): Readonly<Record<string, unknown>> {
  return pair.modules === null ? {} : { modules: { version: MODULES, ...pair.modules } }
}

/** The modules of a repository as tasks, each on inputs on which it was seen to run, and a reject for every one that is none. */
export async function* moduleRows(
  context: StageContext<Recipe, ProgramWorker>,
  input: PairingInput,
  scope: RecordScope,
): AsyncGenerator<TableRow> {
  const { modules } = context.recipe.pair
  const { signal, log, progress } = context
  if (modules === null) return
  const known = new Set<string>()
  let refused = 0
  const refuse = (name: string, path: string, reason: string, detail: string | null): TableRow => {
    refused += 1
    const record_id = `${path}::${name}`
    return rowOf(rejects, { record_id, stage: 'pair', by: MODULES, reason, detail, source: scope.source })
  }
  for await (const found of findModules(input, modules)) {
    signal.throwIfAborted()
    if ('refusal' in found) {
      const { name, path, reason, detail } = found.refusal
      yield refuse(name, path, reason, detail)
      continue
    }
    const { proposal } = found
    if (known.size >= modules.max_tasks) {
      yield refuse(proposal.name, proposal.path, 'too_many_tasks', `more than ${modules.max_tasks}`)
      continue
    }
    progress.expect(1)
    const proved = await provedProgram(proposal, context)
    progress.advance()
    if ('reason' in proved) {
      yield refuse(proposal.name, proposal.path, proved.reason, proved.detail)
      continue
    }
    const task = toModuleTask(proposal, proved, MODULES, scope)
    if (!known.has(task.id)) yield rowOf(tasks, task)
    known.add(task.id)
  }
  log.info({ source: scope.source, tasks: known.size, refused }, 'modules')
}

interface NoProgram {
  readonly reason: string
  readonly detail: string | null
}

// The first way to call a module on which it runs, and of its sizes those on which it does.
async function provedProgram(
  { programs }: ModuleProposal,
  context: StageContext<Recipe, ProgramWorker>,
): Promise<ModuleProgram | NoProgram> {
  let last: NoProgram = { reason: 'unknown_inputs', detail: null }
  for (const { reference, workloads } of programs) {
    context.signal.throwIfAborted()
    const [first, ...more] = workloads
    const defect = await defectOf(reference, first ?? {}, context)
    if (defect !== null) {
      last = { reason: REASONS[defect.cause] ?? 'does_not_run', detail: defect.log.slice(0, MAX_DETAIL) }
      // Other inputs only help where these did not fit.
      if (defect.cause !== 'FAILS') return last
      continue
    }
    const kept = [first ?? {}]
    for (const axes of more) if (isKept(await defectOf(reference, axes, context))) kept.push(axes)
    return { reference, workloads: kept }
  }
  return last
}

const MAX_DETAIL = 500
const REASONS: Readonly<Record<string, string>> = {
  IMPORT_ERROR: 'reference_import',
  CONSTANT: 'reference_constant',
  RETURNS_INPUT: 'reference_returns_input',
}

async function defectOf(
  reference: string,
  axes: Readonly<Record<string, string>>,
  { resource, world }: StageContext<Recipe, ProgramWorker>,
): ReturnType<ProgramWorker['check']> {
  const content = { reference, workloads: [{ id: workloadId({ ...axes }), axes: { ...axes } }] }
  return await resource.check({ task: { id: taskId(content), ...content }, candidate: null }, world.device)
}

// Too slow or too large for this machine is none of the module's faults.
function isKept(defect: Awaited<ReturnType<ProgramWorker['check']>>): boolean {
  return defect === null || /^(?:TOO_LARGE|TIMEOUT|OUT_OF_MEMORY)$/.test(defect.cause)
}
