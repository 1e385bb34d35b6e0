import type { PresentPair } from '../../extractors/history/repository-history.ts'
import { openLicenseFinder } from '../../extractors/licenses/license-finder.ts'
import { toCandidate, toTask } from '../../extractors/pairing/pair-records.ts'
import type { RecordScope } from '../../extractors/pairing/pair-records.ts'
import { pairingMethods } from '../../extractors/pairing/registry.ts'
import { pairRepository, toMinedKernel } from '../../extractors/pairing/repository-pairing.ts'
import type {
  FoundPair,
  PairDefect,
  PairedRepository,
  RepositoryPairingOptions,
  UnpairedKernel,
} from '../../extractors/pairing/repository-pairing.ts'
import { reasoningSources } from '../../extractors/reasoning/registry.ts'
import type { Pair, PairingMethod, ReasoningSource, Repository } from '../../extractors/types.ts'
import { openProgramWorker } from '../../validators/program-worker.ts'
import type { ProgramWorker } from '../../validators/program-worker.ts'
import { CurateError } from '../core/errors.ts'
import { enabledPlugins, pluginConfig } from '../core/plugin.ts'
import type { Registry } from '../core/plugin.ts'
import { candidates } from '../core/records/candidate.ts'
import type { Candidate, Reasoning } from '../core/records/candidate.ts'
import { kernels as kernelTable } from '../core/records/kernel.ts'
import type { Kernel } from '../core/records/kernel.ts'
import { rejects } from '../core/records/reject.ts'
import { tasks } from '../core/records/task.ts'
import type { Task } from '../core/records/task.ts'
import { trajectories } from '../core/records/trajectory.ts'
import type { ShardSpec, Stage, StageContext, World } from '../core/stage.ts'
import { rowOf } from '../core/table.ts'
import type { TableRow } from '../core/table.ts'
import { isLeftAlone, openShardRepository, sourceOf } from './mine.ts'
import { historyConfig, historyRows } from './pair-history.ts'
import { moduleRows, modulesConfig } from './pair-modules.ts'
import { proofConfig, proveImplementation, provePair } from './pair-proof.ts'
import type { Recipe } from './recipe.ts'

const VERSION = 5

/** Finds the PyTorch reference of each kernel: one shard per source, which holds its tasks, its candidates and the rest with a reason. */
export const pairStage: Stage<Recipe, ProgramWorker> = {
  name: 'pair',
  version: VERSION,
  unit: 'files',
  tables: [tasks, candidates, trajectories],
  // All of it is work of this process; more shards at once would only hold more repositories in memory.
  concurrency: () => 1,
  plan: planPairing,
  open: async (_, cacheFolder, signal) => openProgramWorker({ cacheFolder, signal }),
  close: (checker) => checker.close(),
  run: runPairing,
}

function planPairing(recipe: Recipe, world: World): ShardSpec[] {
  const methods: Registry = pairingMethods
  const reasoning: Registry = reasoningSources
  return recipe.sources.flatMap((entry) => {
    const commit = world.sources.get(entry.id) ?? null
    if (commit === null) return []
    const config = {
      source: entry,
      kinds: pluginConfig([sourceOf(entry)]),
      limits: recipe.mine.limits,
      methods: pluginConfig(enabledPlugins(methods, recipe.pair.methods)),
      reasoning: pluginConfig(enabledPlugins(reasoning, recipe.pair.reasoning)),
      ...historyConfig(recipe),
      ...modulesConfig(recipe),
      ...proofConfig(recipe),
    }
    const inputs = [{ stage: 'mine' as const, shard: entry.id }]
    return [{ stage: 'pair' as const, shard: entry.id, config, external: { commit }, inputs }]
  })
}

async function* runPairing(context: StageContext<Recipe, ProgramWorker>): AsyncGenerator<TableRow> {
  const kernels: Kernel[] = []
  for await (const kernel of context.read(kernelTable)) kernels.push(kernel)
  // Nothing to pair, so nothing to fetch: a repository whose owner opted out is not even opened.
  if (kernels.length === 0 && !looksForModules(context)) return
  const { entry, repository } = await openShardRepository(context)
  try {
    const { limits } = context.recipe.mine
    const settings: RepositoryPairingOptions = {
      include: entry.include,
      exclude: entry.exclude,
      maxFileBytes: limits.max_file_bytes,
      maxFiles: limits.max_files,
      vendored: limits.read_vendored,
      methods: enabledPlugins<PairingMethod>(pairingMethods, context.recipe.pair.methods),
    }
    const { prove } = context.recipe.pair
    const proof = prove ? { prove: proverOf(context, provePair) } : {}
    const paired = await pairRepository(repository, kernels, { ...settings, ...proof, onProgress: progressOf(context) })
    const licenses = await openLicenseFinder(repository, await repository.listFiles())
    const scope: RecordScope = { repository, source: entry.id, licenses, files: paired.files }
    const records = await recordsOf(context, repository, paired, kernels, scope)
    for (const task of records.tasks) yield rowOf(tasks, task)
    for (const candidate of records.candidates) yield rowOf(candidates, candidate)
    yield* moduleRows(context, { repository, kernels: kernels.map(toMinedKernel), files: paired.files }, scope)
    for (const unpaired of paired.unpaired) {
      const { kernel, by, reason } = unpaired
      const refusedBy = by ?? `pair@${VERSION}`
      const detail = detailOf(unpaired)
      yield rowOf(rejects, { record_id: kernel.id, stage: 'pair', by: refusedBy, reason, detail, source: entry.id })
    }
    const present = records.candidates.flatMap((candidate) => records.present.get(candidate.id) ?? [])
    const past = prove ? { prove: proverOf(context, proveImplementation) } : {}
    yield* historyRows(context, { repository, kernels, present, files: paired.files, pairing: settings, ...past })
    const counts = { kernels: kernels.length, pairs: paired.pairs.length, unpaired: paired.unpaired.length }
    context.log.info({ source: entry.id, ...counts }, 'paired')
  } finally {
    await repository.close()
  }
}

function looksForModules({ recipe, shard }: StageContext<Recipe, unknown>): boolean {
  const entry = recipe.sources.find(({ id }) => id === shard.shard)
  return recipe.pair.modules !== null && entry !== undefined && !isLeftAlone(entry, recipe)
}

// Counted like files: what is still to be run shows in the progress.
function proverOf(
  { resource, world, progress, signal }: StageContext<Recipe, ProgramWorker>,
  look: typeof provePair,
): (pair: Pair) => Promise<PairDefect | null> {
  return async (pair) => {
    signal.throwIfAborted()
    progress.expect(1)
    const defect = await look(pair, resource, world.device)
    progress.advance()
    return defect
  }
}

// A reference that could not be cut out is told, so that a person can look it up.
function detailOf({ detail, evidence }: UnpairedKernel): string | null {
  if (evidence === null) return detail
  const { path, line, symbol, expression } = evidence.reference
  const reference = `${REFERENCE_AT}${path}:${line} ${symbol ?? expression.slice(0, 200)}`
  return detail === null ? reference : `${detail}; ${reference}`
}

const REFERENCE_AT = 'its reference is at '

// Each method searches all files; a new one begins where the count starts again.
function progressOf({ progress, signal }: StageContext<Recipe, ProgramWorker>) {
  return (done: number, total: number): void => {
    signal.throwIfAborted()
    if (done === 1) progress.expect(total)
    progress.advance()
  }
}

// The same program with the same workloads is one task, whichever tests it was found in.
async function recordsOf(
  context: StageContext<Recipe, ProgramWorker>,
  repository: Repository,
  { pairs }: PairedRepository,
  kernels: readonly Kernel[],
  scope: RecordScope,
): Promise<{ tasks: Task[]; candidates: Candidate[]; present: Map<string, PresentPair> }> {
  const foundTasks = new Map<string, Task>()
  const foundCandidates = new Map<string, Candidate>()
  const present = new Map<string, PresentPair>()
  const reasons = await reasonsOf(context, repository, pairs, kernels)
  for (const found of pairs) {
    const task = toTask(found, scope)
    if (!foundTasks.has(task.id)) foundTasks.set(task.id, task)
    const reasoning = found.pair.kernelIds.map((id) => reasons.get(id) ?? null).find((reason) => reason !== null)
    const candidate = toCandidate(found, task, reasoning ?? null, scope)
    if (!foundCandidates.has(candidate.id)) foundCandidates.set(candidate.id, candidate)
    if (!present.has(candidate.id)) present.set(candidate.id, { pair: found.pair, task, candidate })
  }
  return { tasks: [...foundTasks.values()], candidates: [...foundCandidates.values()], present }
}

// Each look into the history is a process of its own that mostly waits for the disk: a few at a time, and one a kernel.
const LOOKS_AT_A_TIME = 4

async function reasonsOf(
  context: StageContext<Recipe, ProgramWorker>,
  repository: Repository,
  pairs: readonly FoundPair[],
  kernels: readonly Kernel[],
): Promise<Map<string, Reasoning | null>> {
  const wanted = new Set(pairs.flatMap(({ pair }) => pair.kernelIds))
  const paired = kernels.filter(({ id }) => wanted.has(id))
  const reasons = new Map<string, Reasoning | null>()
  for (let at = 0; at < paired.length; at += LOOKS_AT_A_TIME) {
    context.signal.throwIfAborted()
    const some = paired.slice(at, at + LOOKS_AT_A_TIME)
    const found = await Promise.all(some.map((kernel) => knownReasoningOf(context, repository, kernel)))
    some.forEach(({ id }, index) => reasons.set(id, found[index] ?? null))
  }
  return reasons
}

// What a damaged repository no longer tells of one kernel costs that kernel's reasoning, not the pairs of the others.
async function knownReasoningOf(
  context: StageContext<Recipe, ProgramWorker>,
  repository: Repository,
  kernel: Kernel,
): Promise<Reasoning | null> {
  try {
    return await reasoningOf(context, repository, kernel)
  } catch (error) {
    if (!(error instanceof CurateError) || error.code !== 'object_missing') throw error
    context.progress.warn?.(`the history of ${kernel.path} cannot be read: ${error.message}`, error.hint)
    return null
  }
}

async function reasoningOf(
  { recipe }: StageContext<Recipe, ProgramWorker>,
  repository: Repository,
  kernel: Kernel,
): Promise<Reasoning | null> {
  const enabled = enabledPlugins<ReasoningSource>(reasoningSources, recipe.pair.reasoning)
  for (const { plugin, options } of enabled) {
    const reasoning = await plugin.findReasoning(kernel, repository, options)
    if (reasoning !== null) return reasoning
  }
  return null
}
