import type { FunnelStep } from '../../exports/card/card-input.ts'
import { readManifest } from '../core/manifest.ts'
import type { Manifest } from '../core/manifest.ts'
import type { StageContext } from '../core/stage.ts'
import type { Recipe } from './recipe.ts'

/** From kernels to selected candidates, as the manifests of the input shards count them. */
export async function datasetFunnel(context: StageContext<Recipe, undefined>): Promise<FunnelStep[]> {
  const manifests: Manifest[] = []
  for (const input of context.shard.inputs) {
    const manifest = await readManifest(context.inputDirectory(input))
    if (manifest !== null) manifests.push(manifest)
  }
  const steps = STEPS.map(({ stage, what, direction, table }) => ({
    stage,
    what,
    count: manifests
      .filter((manifest) => manifest.stage === stage)
      .reduce((sum, { counts }) => sum + (counts[direction][table] ?? 0), 0),
  }))
  // What a recipe has no part in is no step of its dataset.
  return steps.filter(({ count, what }) => count > 0 || what === SELECTED)
}

const SELECTED = 'selected candidates'

const STEPS = [
  { stage: 'pair', what: 'kernels found in the sources', direction: 'read', table: 'kernels' },
  { stage: 'pair', what: 'tasks', direction: 'written', table: 'tasks' },
  { stage: 'pair', what: 'mined candidates', direction: 'written', table: 'candidates' },
  { stage: 'generate', what: 'imported and generated candidates', direction: 'written', table: 'candidates' },
  { stage: 'validate', what: 'evaluations (candidate and workload)', direction: 'written', table: 'evaluations' },
  { stage: 'filter', what: 'validated candidates in the file', direction: 'written', table: 'candidates' },
  { stage: 'filter', what: SELECTED, direction: 'written', table: 'selected' },
] as const
