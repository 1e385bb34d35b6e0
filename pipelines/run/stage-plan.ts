import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { writeFileAtomic } from '../core/atomic-file.ts'
import { CurateError, messageOf } from '../core/errors.ts'
import { hashOf } from '../core/hash.ts'
import { packageVersion } from '../core/package-root.ts'
import { STAGE_NAMES } from '../core/stage.ts'
import type { Stage, World } from '../core/stage.ts'
import { Recipe } from '../stages/recipe.ts'
import type { PlannedWork } from './plan.ts'
import type { RunState } from './run-state.ts'

const Key = z.strictObject({ stage: z.enum(STAGE_NAMES), shard: z.string() })

const Plan = z.strictObject({
  format_version: z.literal(1),
  curate_version: z.string(),
  run: z.string().describe('Name of the run: of its folder in the work directory'),
  stage: z.enum(STAGE_NAMES),
  stage_version: z.int(),
  recipe: z.unknown().describe('The recipe with all defaults'),
  recipe_directory: z.string(),
  world: z.strictObject({
    sources: z.record(z.string(), z.string().nullable()),
    files: z.record(z.string(), z.string()),
    device: z.string(),
    hub: z.strictObject({ hasToken: z.boolean(), endpoint: z.string().nullable() }).nullable(),
  }),
  shards: z.array(
    z.strictObject({ shard: z.string(), config_hash: z.string(), input_hash: z.string(), inputs: z.array(Key) }),
  ),
})
type Plan = z.infer<typeof Plan>

const PlanFile = z.strictObject({ plan_hash: z.string(), plan: Plan })

/** A plan as a machine that is to run shards of it reads it. */
export interface StagePlan extends Omit<Plan, 'recipe' | 'world'> {
  readonly planHash: string
  readonly recipe: Recipe
  readonly world: World
}

/**
 * Writes the plan of a stage, and its hash, beside the output: with this file, the folders before it and the same version of curate, any
 * machine can run any of the shards. It holds finished shards as well, so that it stays the same while they become more.
 */
export async function writeStagePlan(
  path: string,
  stage: Stage<Recipe, unknown>,
  work: readonly PlannedWork[],
  { recipe, recipeDirectory, world }: RunState<Recipe>,
): Promise<string> {
  const plan: Plan = {
    format_version: 1,
    curate_version: packageVersion,
    run: recipe.name,
    stage: stage.name,
    stage_version: stage.version,
    recipe,
    recipe_directory: recipeDirectory,
    world: {
      sources: Object.fromEntries(world.sources),
      files: Object.fromEntries(world.files),
      device: world.device,
      hub: world.hub ?? null,
    },
    shards: work.filter(isRunnable).map(({ shard, configHash, inputHash, inputs }) => {
      return { shard, config_hash: configHash, input_hash: inputHash, inputs: [...inputs] }
    }),
  }
  const plan_hash = hashOf(plan)
  await writeFileAtomic(path, `${JSON.stringify({ plan_hash, plan }, null, 1)}\n`)
  return plan_hash
}

// What waits for something cannot be planned yet.
function isRunnable({ state }: PlannedWork): boolean {
  return state !== 'blocked'
}

/** Reads a plan. Throws a CurateError where the file is none, or was changed since it was written. */
export async function readStagePlan(path: string): Promise<StagePlan> {
  const { plan_hash, plan } = await parsePlan(path)
  if (hashOf(plan) !== plan_hash) throw badPlan(path, 'it was changed after it was written')
  if (plan.curate_version !== packageVersion) {
    throw badPlan(path, `version ${plan.curate_version} of curate wrote it, and this is ${packageVersion}`)
  }
  const { sources, files, device, hub } = plan.world
  const world: World = {
    sources: new Map(Object.entries(sources)),
    files: new Map(Object.entries(files)),
    device,
    ...(hub === null ? {} : { hub }),
  }
  return { ...plan, planHash: plan_hash, recipe: Recipe.parse(plan.recipe), world }
}

/** The work of one shard of a plan. Throws where this machine's code plans it differently. */
export function plannedWork(plan: StagePlan, stage: Stage<Recipe, unknown>, shard: string): PlannedWork {
  const planned = plan.shards.find((each) => each.shard === shard)
  if (planned === undefined) throw unknownShard(plan, shard)
  const spec = stage.plan(plan.recipe, plan.world).find((each) => each.shard === shard)
  if (spec === undefined || stage.version !== plan.stage_version || hashOf(spec.config) !== planned.config_hash) {
    throw new CurateError('other_code', `this machine plans ${plan.stage}/${shard} differently than the plan says`, {
      hint: 'All machines must run the same code: `curate doctor --engine ray` compares them.',
    })
  }
  const hashes = { configHash: planned.config_hash, inputHash: planned.input_hash }
  return { stage: plan.stage, shard, state: 'missing', reason: '', spec, inputs: planned.inputs, ...hashes }
}

async function parsePlan(path: string): Promise<z.infer<typeof PlanFile>> {
  try {
    return PlanFile.parse(JSON.parse(await readFile(path, 'utf8')))
  } catch (error) {
    throw badPlan(path, messageOf(error).split('\n')[0] ?? '')
  }
}

function badPlan(path: string, problem: string): CurateError {
  return new CurateError('bad_plan', `${path} is no plan that can be worked on: ${problem}`, {
    hint: 'Write it anew with `curate plan`. On a cluster the work directory must be visible from every machine.',
  })
}

function unknownShard({ stage, shards }: StagePlan, shard: string): CurateError {
  const known = shards.map((each) => each.shard)
  const some = known.length > 12 ? `${known.slice(0, 12).join(', ')}, ...` : known.join(', ')
  return new CurateError('usage', `the plan of ${stage} has no shard ${shard}`, { hint: `Its shards are: ${some}.` })
}
