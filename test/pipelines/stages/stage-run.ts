import { existsSync } from 'node:fs'
import { readFile, readdir } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { hashOf, sha256 } from '../../../pipelines/core/hash.ts'
import { silentLog } from '../../../pipelines/core/log.ts'
import type { Manifest } from '../../../pipelines/core/manifest.ts'
import type { ShardKey, ShardSpec, Stage, World } from '../../../pipelines/core/stage.ts'
import { readTable } from '../../../pipelines/core/table.ts'
import type { Table, TableRow } from '../../../pipelines/core/table.ts'
import { workDirectory } from '../../../pipelines/core/work-directory.ts'
import { retractShard } from '../../../pipelines/core/shard-commit.ts'
import { runShard } from '../../../pipelines/run/shard-runner.ts'
import { Recipe } from '../../../pipelines/stages/recipe.ts'

/** A work directory in which single stages are run for real, on shards that the test writes. */
export interface StageRun {
  readonly recipe: Recipe
  readonly world: World
  readonly abort: AbortController
  /** Writes a finished shard that holds these rows. */
  write(key: ShardKey, rows: readonly TableRow[], tables: readonly Table<unknown>[]): Promise<Manifest>
  /** Plans a stage and runs all its shards. */
  run(stage: Stage<Recipe, unknown>): Promise<Manifest[]>
  plan(stage: Stage<Recipe, unknown>): ShardSpec[]
  read<Row>(table: Table<Row>, key: ShardKey): Promise<Row[]>
  folder(key: ShardKey): string
}

/** The recipe of these tests; `fields` replaces sections of it. */
export function aRecipe(fields: Readonly<Record<string, unknown>> = {}): Recipe {
  return Recipe.parse({
    name: 'stage-test',
    sources: [{ id: 'example', git: { url: 'https://example.org/acme/kernels.git' } }],
    mine: { languages: { triton: {} } },
    pair: { methods: {}, prove: false },
    validate: { shards: 2 },
    filters: {},
    export: { configs: {}, formats: {} },
    ...fields,
  })
}

/** Opens a work directory under `directory`, which need not be empty. */
export function openStageRun(directory: string, recipe: Recipe, facts: Partial<World> = {}): StageRun {
  const directories = workDirectory(directory, recipe.name)
  const abort = new AbortController()
  const sources = new Map(recipe.sources.map(({ id }) => [id, COMMIT]))
  const world: World = { sources, files: new Map(), device: 'test', ...facts }
  const state = { recipe, recipeDirectory: directory, world, directories, log: silentLog, signal: abort.signal }

  async function runSpec(stage: Stage<Recipe, unknown>, spec: ShardSpec, resource?: unknown): Promise<Manifest> {
    const hashes = { configHash: hashOf(spec.config), inputHash: '' }
    const work = {
      stage: spec.stage,
      shard: spec.shard,
      state: 'missing' as const,
      reason: '',
      spec,
      inputs: spec.inputs.filter((input) => existsSync(join(directories.shard(input), 'manifest.json'))),
      ...hashes,
    }
    await retractShard(directories, { ...work, stageVersion: stage.version })
    return runShard(stage, work, state, resource, { expect: () => undefined, advance: () => undefined })
  }
  return {
    recipe,
    world,
    abort,
    async write(key, rows, tables) {
      const stage: Stage<Recipe> = {
        name: key.stage,
        version: 1,
        unit: 'rows',
        tables,
        concurrency: () => 1,
        plan: () => [],
        async *run() {
          yield* rows
        },
      }
      return runSpec(stage, { ...key, config: null, external: null, inputs: [] })
    },
    async run(stage) {
      const manifests: Manifest[] = []
      const resource = await stage.open?.(recipe, directories.cache, abort.signal)
      try {
        for (const spec of stage.plan(recipe, world)) manifests.push(await runSpec(stage, spec, resource))
      } finally {
        await stage.close?.(resource)
      }
      return manifests
    },
    plan: (stage) => stage.plan(recipe, world),
    read: (table, key) => Array.fromAsync(readTable(table, join(directories.shard(key), `${table.name}.parquet`))),
    folder: (key) => directories.shard(key),
  }
}

export const COMMIT = '0123456789abcdef0123456789abcdef01234567'

/** Path to SHA-256 of every file under a folder, manifests left out: they hold times. */
export async function filesUnder(directory: string): Promise<Record<string, string>> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile() && entry.name !== 'manifest.json')
  const hashes = await Promise.all(
    files.map(async ({ parentPath, name }) => {
      const path = join(parentPath, name)
      return [relative(directory, path), sha256(await readFile(path))] as const
    }),
  )
  return Object.fromEntries(hashes.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
