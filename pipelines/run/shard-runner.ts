import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname, join, relative } from 'node:path'
import { TEMPORARY_SUFFIX, commitFile, temporaryName } from '../core/atomic-file.ts'
import { CurateError } from '../core/errors.ts'
import { sha256OfFile } from '../core/hash.ts'
import { outputHash, removeManifest, writeManifest } from '../core/manifest.ts'
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

/**
 * Runs one shard: reads its inputs, writes its tables under temporary names, and commits them with a manifest written
 * last. A process that dies at any point leaves either the finished shard or nothing that counts.
 */
export async function runShard<Recipe, Resource>(
  stage: Stage<Recipe, Resource>,
  work: PlannedWork,
  run: RunState<Recipe>,
  resource: Resource,
  progress: ShardProgress,
): Promise<Manifest> {
  const directory = run.directories.shard(work)
  const started = new Date()
  await prepare(directory)
  const inputs = openInputs(work.inputs, run.directories)
  const output = openOutput(directory, stage.tables)
  try {
    const context = stageContext(work, run, resource, progress, inputs, output)
    for await (const item of stage.run(context)) {
      run.signal.throwIfAborted()
      await output.write(item)
    }
    run.signal.throwIfAborted()
    const outputs = await output.commit()
    const manifest = describe(stage, work, started, outputs, { read: inputs.counts, ...output.counts() })
    await writeManifest(directory, manifest)
    await removeUnlisted(directory, outputs)
    return manifest
  } catch (error) {
    await removeTemporaries(directory)
    throw error
  }
}

async function prepare(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true })
  await removeManifest(directory)
  await removeTemporaries(directory)
}

async function removeTemporaries(directory: string): Promise<void> {
  const names = await readdir(directory, { recursive: true }).catch(() => [])
  const left = names.filter((name) => name.endsWith(TEMPORARY_SUFFIX))
  await Promise.all(left.map((name) => rm(join(directory, name), { force: true })))
}

// What an earlier run of the shard wrote and this one did not: a reader of the folder must not take it for output.
async function removeUnlisted(directory: string, outputs: readonly Output[]): Promise<void> {
  const listed = new Set(['manifest.json', ...outputs.map(({ path }) => path)])
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const stale = files.filter((path) => !listed.has(relative(directory, path)))
  await Promise.all(stale.map((path) => rm(path, { force: true })))
}

interface ShardOutput {
  write(item: TableRow): Promise<void>
  writeFile(path: string, write: (temporaryPath: string) => Promise<void>): Promise<void>
  commit(): Promise<Output[]>
  counts(): { written: Record<string, number>; reasons: Record<string, number> }
}

function openOutput(
  directory: string,
  stageTables: readonly { name: string; columns: typeof rejects.columns }[],
): ShardOutput {
  const tables = new Map([...stageTables, rejects].map((table) => [table.name, table]))
  const sinks = new Map<string, { sink: ParquetSink; temporary: string }>()
  const files = new Map<string, string>()
  const written: Record<string, number> = {}
  const reasons: Record<string, number> = {}

  function sinkOf(name: string): ParquetSink {
    const open = sinks.get(name)
    if (open !== undefined) return open.sink
    const table = tables.get(name)
    if (table === undefined) throw new TypeError(`a stage wrote to the table ${name}, which it does not declare`)
    const temporary = temporaryName(join(directory, `${name}.parquet`))
    const sink = openParquet(temporary, table.columns)
    sinks.set(name, { sink, temporary })
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
      const temporary = temporaryName(join(directory, path))
      await mkdir(dirname(temporary), { recursive: true })
      await write(temporary)
      files.set(path, temporary)
    },
    async commit() {
      const outputs: Output[] = []
      for (const name of tables.keys()) {
        sinkOf(name)
        const { sink, temporary } = sinks.get(name) ?? missingSink(name)
        const num_rows = await sink.close()
        outputs.push(await commitOutput(directory, `${name}.parquet`, temporary, num_rows))
      }
      for (const [path, temporary] of files) outputs.push(await commitOutput(directory, path, temporary, null))
      return outputs
    },
    counts: () => ({ written, reasons }),
  }
}

function missingSink(name: string): never {
  throw new TypeError(`no open table ${name}`)
}

async function commitOutput(
  directory: string,
  path: string,
  temporary: string,
  num_rows: number | null,
): Promise<Output> {
  const sha256 = await sha256OfFile(temporary)
  const { size } = await stat(temporary)
  await commitFile(temporary, join(directory, path))
  return { path, num_rows, num_bytes: size, sha256 }
}

function stageContext<Recipe, Resource>(
  work: PlannedWork,
  run: RunState<Recipe>,
  resource: Resource,
  progress: ShardProgress,
  inputs: InputReader,
  output: ShardOutput,
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
    read: (table) => inputs.read(table),
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

function describe(
  stage: { name: Manifest['stage']; version: number },
  work: PlannedWork,
  started: Date,
  outputs: Output[],
  counts: { read: Record<string, number>; written: Record<string, number>; reasons: Record<string, number> },
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
    engine: 'local',
    host: hostname(),
    started_at: started.toISOString(),
    finished_at: finished.toISOString(),
    duration_ms: finished.getTime() - started.getTime(),
    peak_memory_bytes: process.resourceUsage().maxRSS * 1024,
    counts: { read: counts.read, written: counts.written },
    reject_reasons: counts.reasons,
    outputs,
  }
}
