import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { candidates } from '../../../pipelines/core/records/candidate.ts'
import type { Candidate } from '../../../pipelines/core/records/candidate.ts'
import { evaluations } from '../../../pipelines/core/records/evaluation.ts'
import { rejects } from '../../../pipelines/core/records/reject.ts'
import { tasks } from '../../../pipelines/core/records/task.ts'
import type { ShardKey, World } from '../../../pipelines/core/stage.ts'
import { rowOf } from '../../../pipelines/core/table.ts'
import { exportStage } from '../../../pipelines/stages/export.ts'
import { filterStage } from '../../../pipelines/stages/filter.ts'
import { validateShards } from '../../../pipelines/stages/upstream-shards.ts'
import { aCandidate, aPerformance, aReasoning, aReject, aTask, anEvaluation } from '../../records.ts'
import { aRecipe, openStageRun } from './stage-run.ts'
import type { StageRun } from './stage-run.ts'

export const EXPORT: ShardKey = { stage: 'export', shard: 'all' }
export const PAIR: ShardKey = { stage: 'pair', shard: 'example' }
export const TO_PARQUET = { configs: { sft: {} }, formats: { parquet: {} } }

/** A folder of the test's own, and runs in it. */
export function useExportRuns() {
  const runs = { directory: '', open }
  beforeEach(async () => {
    runs.directory = await mkdtemp(join(tmpdir(), 'curate-export-'))
  })
  afterEach(() => rm(runs.directory, { recursive: true, force: true }))

  function open(fields: Record<string, unknown> = {}, name = 'run', facts: Partial<World> = {}): StageRun {
    const recipe = aRecipe({ filters: { passed: {}, license: {} }, export: TO_PARQUET, ...fields })
    return openStageRun(join(runs.directory, name), recipe, facts)
  }
  return runs
}

/** Two candidates of a task that pass, one with a reasoning and timed, one that fails; and a reject of pairing. */
export function someCandidates() {
  const task = aTask()
  const plain = aCandidate(task)
  const reasoned = aCandidate(task, {
    generator: 'a-model',
    origin: 'generated',
    license: null,
    pieces: [],
    sources: [{ path: 'kernel.py', content: 'class ModelNew: ...\n' }],
    reasoning: aReasoning(42),
  })
  const failed = aCandidate(task, { sources: [{ path: 'kernel.py', content: 'raise SystemExit\n' }] })
  const judged = [
    anEvaluation(plain, { proved_on: 'interpreter' }),
    anEvaluation(reasoned, { performance: aPerformance(2) }),
    anEvaluation(failed, { status: 'RUNTIME_ERROR' }),
  ]
  return { task, plain, reasoned, failed, judged, all: [plain, reasoned, failed] }
}

/** Writes the shards before it, runs filter and export, and gives the folder of the dataset. */
export async function exportOf(run: StageRun, { task, all, judged } = someCandidates()): Promise<string> {
  const pairRows = [
    rowOf(tasks, task),
    ...all.map((row: Candidate) => rowOf(candidates, row)),
    rowOf(rejects, aReject()),
  ]
  await run.write(PAIR, pairRows, [tasks, candidates])
  for (const [index, key] of validateShards(run.recipe).entries()) {
    await run.write(key, index === 0 ? judged.map((row) => rowOf(evaluations, row)) : [], [evaluations])
  }
  await run.run(filterStage)
  await run.run(exportStage)
  return join(run.folder(EXPORT), 'dataset')
}

const FrontMatter = z.looseObject({
  license: z.string(),
  size_categories: z.array(z.string()),
  configs: z.array(
    z.object({ config_name: z.string(), default: z.boolean().optional(), data_files: z.array(z.unknown()) }),
  ),
  dataset_info: z.array(
    z.looseObject({
      config_name: z.string(),
      features: z.array(z.looseObject({ name: z.string() })),
      splits: z.array(z.object({ name: z.string(), num_bytes: z.int(), num_examples: z.int() })),
      download_size: z.int(),
    }),
  ),
})

/** The card of a dataset, its YAML read. */
export async function cardOf(dataset: string) {
  const text = await readFile(join(dataset, 'README.md'), 'utf8')
  const [, yaml = '', body = ''] = /^---\n([\s\S]*?)\n---\n([\s\S]*)$/.exec(text) ?? []
  return { front: FrontMatter.parse(parse(yaml)), body }
}
