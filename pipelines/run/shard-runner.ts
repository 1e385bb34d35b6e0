import { mkdir, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join } from 'node:path'
import { syncFile } from '../core/atomic-file.ts'
import { CurateError } from '../core/errors.ts'
import { sha256OfFile } from '../core/hash.ts'
import { outputHash, writeManifest } from '../core/manifest.ts'
import type { Manifest, Output } from '../core/manifest.ts'
import { packageVersion } from '../core/package-root.ts'
import { openParquet } from '../core/parquet.ts'
import type { ParquetSink } from '../core/parquet.ts'
import { Reject, rejects } from '../core/records/reject.ts'
import type { ShardKey, ShardProgress, Stage, StageContext } from '../core/stage.ts'
import type { TableRow } from '../core/table.ts'
import { openInputs } from './shard-inputs.ts'
import type { InputReader } from './shard-inputs.ts'
import type { PlannedWork } from './plan.ts'
import type { RunState } from './run-state.ts'
import { commitAttempt, openAttempt } from '../core/shard-commit.ts'

/**
 * Runs one shard: reads its inputs, writes its tables and its manifest to a folder of this try, and commits that. A process that dies
 * at any point leaves either the finished shard or nothing that counts; of several tries at once, on whatever machines, the
 * first counts, and all of them give its manifest.
 */
export async function runShard<Recipe, Resource>(
  stage: Stage<Recipe, Resource>,
  work: PlannedWork,
  run: RunState<Recipe>,
  resource: Resource,
  progress: ShardProgress,
): Promise<Manifest> {
  const started = new Date()
  const attempt = await openAttempt(run.directories, work)
  const inputs = openInputs(work.inputs, run.directories, run.checked)
  const output = openOutput(attempt.directory, stage.tables)
  try {
    const context = stageContext(work, run, resource, progress, inputs, output)
    for await (const item of stage.run(context)) {
      run.signal.throwIfAborted()
      await output.write(item)
    }
    run.signal.throwIfAborted()
    const outputs = await output.finish()
    const counts = { read: inputs.counts, ...output.counts() }
    const manifest = describe(stage, work, run, { attempt: attempt.id, started, outputs, counts })
    await writeManifest(attempt.directory, manifest)
    const counting = await commitAttempt(attempt, run.directories, { ...work, stageVersion: stage.version }, manifest)
    const { stage: name, shard } = work
    run.log.info({ stage: name, shard, attempt: attempt.id, committed: counting === manifest }, 'try ended')
    return counting
  } catch (error) {
    await rm(attempt.directory, { recursive: true, force: true })
    throw error
  }
}

/** Does ahead what a shard will want and what needs no GPU; nothing where its stage knows of nothing. */
export async function prepareShard<Recipe>(
  stage: Stage<Recipe, unknown>,
  work: PlannedWork,
  run: RunState<Recipe>,
  capability: readonly [number, number],
): Promise<void> {
  const progress = { expect: () => undefined, advance: () => undefined }
  const nothing: Pick<ShardOutput, 'writeFile'> = { writeFile: () => Promise.reject(new TypeError('only prepared')) }
  const inputs = openInputs(work.inputs, run.directories, run.checked)
  await stage.prepareOn?.(stageContext(work, run, null, progress, inputs, nothing), capability)
}

interface ShardOutput {
  write(item: TableRow): Promise<void>
  writeFile(path: string, write: (temporaryPath: string) => Promise<void>): Promise<void>
  finish(): Promise<Output[]>
  counts(): { written: Record<string, number>; reasons: Record<string, number> }
}

function openOutput(
  directory: string,
  stageTables: readonly { name: string; columns: typeof rejects.columns }[],
): ShardOutput {
  const tables = new Map([...stageTables, rejects].map((table) => [table.name, table]))
  const sinks = new Map<string, ParquetSink>()
  const files = new Set<string>()
  const written: Record<string, number> = {}
  const reasons: Record<string, number> = {}

  function sinkOf(name: string): ParquetSink {
    const open = sinks.get(name)
    if (open !== undefined) return open
    const table = tables.get(name)
    if (table === undefined) throw new TypeError(`a stage wrote to the table ${name}, which it does not declare`)
    const sink = openParquet(join(directory, `${name}.parquet`), table.columns)
    sinks.set(name, sink)
    return sink
  }
  return {
    async write({ table, row }) {
      await sinkOf(table).write(row)
      written[table] = (written[table] ?? 0) + 1
      if (table !== rejects.name) return
      const { by, reason } = Reject.parse(row)
      reasons[`${by}:${reason}`] = (reasons[`${by}:${reason}`] ?? 0) + 1
    },
    async writeFile(path, write) {
      await mkdir(dirname(join(directory, path)), { recursive: true })
      await write(join(directory, path))
      files.add(path)
    },
    async finish() {
      const outputs: Output[] = []
      for (const name of tables.keys()) {
        const num_rows = await sinkOf(name).close()
        outputs.push(await finishOutput(directory, `${name}.parquet`, num_rows))
      }
      for (const path of files) outputs.push(await finishOutput(directory, path, null))
      return outputs
    },
    counts: () => ({ written, reasons }),
  }
}

async function finishOutput(directory: string, path: string, num_rows: number | null): Promise<Output> {
  const file = join(directory, path)
  const sha256 = await sha256OfFile(file)
  const { size } = await stat(file)
  await syncFile(file)
  return { path, num_rows, num_bytes: size, sha256 }
}

function stageContext<Recipe, Resource>(
  work: PlannedWork,
  run: RunState<Recipe>,
  resource: Resource,
  progress: ShardProgress,
  inputs: InputReader,
  output: Pick<ShardOutput, 'writeFile'>,
): StageContext<Recipe, Resource> {
  return {
    recipe: run.recipe,
    recipeDirectory: run.recipeDirectory,
    shard: { ...work.spec, inputs: work.inputs },
    missingInputs: work.spec.inputs.filter((input) => !isAmong(work.inputs, input)),
    world: run.world,
    resource,
    signal: run.signal,
    log: run.log,
    cacheDirectory: run.directories.cache,
    answersDirectory: run.directories.answers,
    progress,
    read: (table, wanted) => inputs.read(table, wanted),
    inputFiles: (table) => inputs.files(table),
    inputDirectory(input) {
      if (isAmong(work.inputs, input)) return run.directories.shard(input)
      throw new CurateError('undeclared_input', `${nameOf(work)} does not declare ${nameOf(input)}`, {
        hint: 'Add it to the inputs of the shard in the plan of the stage.',
      })
    },
    writeOutput: (path, write) => output.writeFile(path, write),
  }
}

function isAmong(keys: readonly ShardKey[], key: ShardKey): boolean {
  return keys.some((other) => nameOf(other) === nameOf(key))
}

function nameOf({ stage, shard }: ShardKey): string {
  return `${stage}/${shard}`
}

interface Made {
  readonly attempt: string
  readonly started: Date
  readonly outputs: Output[]
  readonly counts: { read: Record<string, number>; written: Record<string, number>; reasons: Record<string, number> }
}

function describe(
  stage: { name: Manifest['stage']; version: number },
  work: PlannedWork,
  { engine, planHash }: Pick<RunState<unknown>, 'engine' | 'planHash'>,
  { attempt, started, outputs, counts }: Made,
): Manifest {
  const finished = new Date()
  return {
    format_version: 1,
    stage: stage.name,
    stage_version: stage.version,
    shard: work.shard,
    config_hash: work.configHash,
    input_hash: work.inputHash,
    output_hash: outputHash(outputs),
    curate_version: packageVersion,
    engine: engine ?? 'local',
    host: hostname(),
    attempt,
    plan_hash: planHash ?? null,
    started_at: started.toISOString(),
    finished_at: finished.toISOString(),
    duration_ms: finished.getTime() - started.getTime(),
    peak_memory_bytes: process.resourceUsage().maxRSS * 1024,
    counts: { read: counts.read, written: counts.written },
    reject_reasons: counts.reasons,
    outputs,
  }
}
