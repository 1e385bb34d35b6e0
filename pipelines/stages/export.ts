import { copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { renderCard } from '../../exports/card/card.ts'
import type { ExportedConfig } from '../../exports/card/card-input.ts'
import { emptyFacts } from '../../exports/card/facts.ts'
import { renderLicenseList } from '../../exports/card/license-list.ts'
import { writeConfig } from '../../exports/config-writer.ts'
import { datasetConfigs } from '../../exports/configs/registry.ts'
import { exportFormats } from '../../exports/formats/registry.ts'
import type { WrittenPart } from '../../exports/part-writer.ts'
import { splitsOf } from '../../exports/splits.ts'
import type { Split } from '../../exports/splits.ts'
import type { DatasetConfig, ExportFormat } from '../../exports/types.ts'
import { openCandidateJoin } from '../core/candidate-records.ts'
import type { CandidateJoin } from '../core/candidate-records.ts'
import { openDatabase } from '../core/duckdb.ts'
import type { Database } from '../core/duckdb.ts'
import { CurateError, systemCodeOf } from '../core/errors.ts'
import { hashOf, sha256 } from '../core/hash.ts'
import { readManifest } from '../core/manifest.ts'
import { packageVersion } from '../core/package-root.ts'
import { enabledPlugins, pluginConfig } from '../core/plugin.ts'
import type { Enabled, Registry } from '../core/plugin.ts'
import { candidateFacts } from '../core/records/candidate-facts.ts'
import { candidates } from '../core/records/candidate.ts'
import { datasetFiles } from '../core/records/dataset-file.ts'
import { decisions, selected } from '../core/records/decision.ts'
import { evaluations } from '../core/records/evaluation.ts'
import { MISSING_SHARD, rejects } from '../core/records/reject.ts'
import type { Reject } from '../core/records/reject.ts'
import { tasks } from '../core/records/task.ts'
import type { ShardKey, Stage, StageContext } from '../core/stage.ts'
import { rowOf } from '../core/table.ts'
import type { TableRow } from '../core/table.ts'
import { cardInput, identitiesOf, recipeOfDataset, sourceLock } from './dataset-card.ts'
import { openDataset } from './export-dataset.ts'
import type { Joins } from './export-dataset.ts'
import { readSplits } from './export-splits.ts'
import type { Recipe } from './recipe.ts'
import { candidateShards } from './upstream-shards.ts'

type Context = StageContext<Recipe, undefined>

/** Folder of the shard that is the dataset as it will be on the Hub. */
export const DATASET_FOLDER = 'dataset'

const FILTER: ShardKey = { stage: 'filter', shard: 'all' }

/** Writes the selected candidates as a dataset: files per config, the card, the licences, the recipe. */
export const exportStage: Stage<Recipe> = {
  name: 'export',
  version: 7,
  unit: 'candidates',
  tables: [datasetFiles],
  concurrency: () => 1,
  plan: (recipe, world) => [
    {
      stage: 'export',
      shard: 'all',
      config: {
        recipe: recipeOfDataset(recipe),
        repo: recipe.publish?.repo ?? null,
        configs: pluginConfig(configsOf(recipe)),
        formats: pluginConfig(formatsOf(recipe)),
        curate_version: packageVersion,
      },
      external: identitiesOf(recipe, world),
      inputs: [FILTER, ...candidateShards(recipe, world)],
      required: [FILTER],
    },
  ],
  async *run(context) {
    const scratch = join(context.cacheDirectory, `export-${context.recipe.name}`)
    await rm(scratch, { recursive: true, force: true })
    await mkdir(join(scratch, 'parts'), { recursive: true })
    const database = await openDatabase(join(scratch, 'database'), context.signal)
    // A database of its own: joins keep tables of one name.
    let everything: Database | undefined
    try {
      const files = await inputFiles(context)
      const joins = {
        selected: await openCandidateJoin(database, { ...files, selected: await context.inputFiles(selected) }),
        all: async () =>
          openCandidateJoin((everything ??= await openDatabase(join(scratch, 'everything'), context.signal)), files),
      }
      await requireAll(joins.selected, context)
      const splits = await readSplits(database, files.facts, context.recipe.export.splits)
      yield* writeDataset(joins, splits, context, join(scratch, 'parts'))
    } finally {
      await database.close()
      await everything?.close()
      await rm(scratch, { recursive: true, force: true })
    }
  },
}

/** Rejects are written with every dataset, whatever the recipe names. */
function configsOf(recipe: Recipe): Enabled<DatasetConfig>[] {
  const registry: Registry<DatasetConfig> = datasetConfigs
  return enabledPlugins(registry, { rejects: {}, ...recipe.export.configs })
}

/** Parquet where the recipe names no format. */
function formatsOf(recipe: Recipe): Enabled<ExportFormat>[] {
  const registry: Registry<ExportFormat> = exportFormats
  const named = enabledPlugins(registry, recipe.export.formats)
  const { parquet } = exportFormats
  return named.length > 0 ? named : [{ plugin: parquet, options: parquet.options.parse({}) }]
}

async function requireAll({ numCandidates }: CandidateJoin, context: Context): Promise<void> {
  const manifest = await readManifest(context.inputDirectory(FILTER))
  const expected = manifest?.counts.written[selected.name] ?? 0
  if (numCandidates === expected) return
  throw new CurateError(
    'selection_incomplete',
    `${numCandidates} of ${expected} selected candidates are in the shards`,
    {
      hint: 'A shard was removed after filter ran. Run the stages before export again.',
    },
  )
}

async function inputFiles(context: Context) {
  return {
    candidates: await context.inputFiles(candidates),
    tasks: await context.inputFiles(tasks),
    evaluations: await context.inputFiles(evaluations),
    decisions: await context.inputFiles(decisions),
    facts: await context.inputFiles(candidateFacts),
  }
}

async function* writeDataset(
  joins: Joins,
  splitOf: (taskId: string | null) => Split,
  context: Context,
  directory: string,
): AsyncGenerator<TableRow> {
  const { recipe } = context
  const facts = emptyFacts()
  const refusals: Reject[] = []
  const written: ExportedConfig[] = []
  const enabled = configsOf(recipe)
  context.progress.expect(joins.selected.numCandidates)
  const dataset = openDataset(joins, context, facts, refusals)
  const layout = {
    formats: formatsOf(recipe),
    directory,
    maxFileRows: recipe.export.max_file_rows,
    splits: splitsOf(recipe.export.splits),
    metadata: { 'curate.version': packageVersion, 'curate.recipe_hash': hashOf(recipeOfDataset(recipe)) },
  }
  for (const config of enabled) {
    const result = await writeConfig(config, dataset, layout, splitOf)
    for (const refusal of result.refusals) {
      refusals.push(refusal)
      yield rowOf(rejects, refusal)
    }
    for (const part of result.parts) yield await placePart(part, context)
    written.push(result.config)
  }
  // Where no config reads the selections, the card counts them all the same.
  if (facts.numSelected === 0) for await (const _ of dataset.selections()) continue
  for (const shard of [...facts.missingShards].sort()) yield rowOf(rejects, missingShard(shard))
  const input = await cardInput(context, written, facts)
  for (const { path, svg } of input.plots) yield await writeText(path, svg, context)
  yield await writeText('README.md', renderCard(input), context)
  yield await writeText('LICENSE.md', renderLicenseList(facts), context)
  yield await writeText('recipe.yaml', input.recipe, context)
  yield await writeText('sources.lock.json', `${JSON.stringify(sourceLock(context), null, 2)}\n`, context)
}

async function placePart({ writtenAt, file }: WrittenPart, context: Context): Promise<TableRow> {
  await context.writeOutput(`${DATASET_FOLDER}/${file.path}`, (temporary) => move(writtenAt, temporary))
  return rowOf(datasetFiles, file)
}

// The cache may lie on another file system than the shard.
async function move(from: string, to: string): Promise<void> {
  try {
    await rename(from, to)
  } catch (error) {
    if (systemCodeOf(error) !== 'EXDEV') throw error
    await copyFile(from, to)
    await rm(from)
  }
}

async function writeText(path: string, text: string, context: Context): Promise<TableRow> {
  await context.writeOutput(`${DATASET_FOLDER}/${path}`, (temporary) => writeFile(temporary, text))
  const none = { config: null, split: null, format: null, num_rows: null }
  return rowOf(datasetFiles, { path, ...none, num_bytes: Buffer.byteLength(text), sha256: sha256(text) })
}

// What publish looks for: a dataset that is not whole is not published unless the recipe says so.
function missingShard(shard: string): Reject {
  const detail = 'the shard is not there, so nothing of it is in the dataset'
  return { record_id: shard, stage: 'export', by: 'export@1', reason: MISSING_SHARD, detail, source: shard }
}
