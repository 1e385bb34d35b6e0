import { isPromptPath } from '../../extractors/prompts/kernel-prompt.ts'
import { feedbackPrompt } from '../../extractors/prompts/feedback.ts'
import { prompts } from '../../extractors/prompts/bundled-prompts.ts'
import type { Validator } from '../../validators/types.ts'
import { VALIDATOR, openValidator } from '../../validators/validator.ts'
import { CurateError } from '../core/errors.ts'
import { answers } from '../core/records/answer.ts'
import { candidates } from '../core/records/candidate.ts'
import { tasks } from '../core/records/task.ts'
import { trajectories } from '../core/records/trajectory.ts'
import type { ShardKey, ShardSpec, Stage, World } from '../core/stage.ts'
import { DEFAULT_TOKENIZER } from '../core/tokenizer.ts'
import { importConfig, runImport, taskImports } from './generation/import-entry.ts'
import { needsJudge } from './generation/model-entry.ts'
import type { ModelEntry } from './generation/model-entry.ts'
import { runModels } from './generation/model-run.ts'
import { GENERATE_VERSION } from './generation/stage-version.ts'
import type { ImportEntry, Recipe } from './recipe.ts'
import { validatorSettings } from './validator-settings.ts'

/**
 * Turns what models write into candidates, for tasks that were paired or that files bring themselves: one shard per file of outputs,
 * and one per entry that asks models.
 */
export const generateStage: Stage<Recipe, Validator | null> = {
  name: 'generate',
  version: GENERATE_VERSION,
  unit: 'outputs',
  tables: [tasks, candidates, trajectories, answers],
  concurrency: () => 1,
  plan: (recipe, world) => (recipe.input === null ? planEntries(recipe, world) : []),
  async open(recipe, cacheDirectory, signal) {
    if (!recipe.generate.models.some(needsJudge)) return null
    const options = { workers: recipe.validate.workers, cacheFolder: cacheDirectory, signal }
    return openValidator(validatorSettings(recipe), options)
  },
  close: async (validator) => validator?.close(),
  async *run(context) {
    const { generate } = context.recipe
    const { shard } = context.shard
    const imported = generate.imports.find(({ id }) => id === shard)
    const asked = generate.models.find(({ id }) => id === shard)
    if (imported !== undefined) yield* runImport(context, imported)
    else if (asked !== undefined) {
      yield* runModels(needsJudge(asked) ? context : { ...context, resource: null }, asked)
    } else throw unknownEntry(shard)
  },
}

function planEntries(recipe: Recipe, world: World): ShardSpec[] {
  return [
    ...recipe.generate.imports.map((entry) => importSpec(entry, recipe, world)),
    ...recipe.generate.models.map((entry) => modelSpec(entry, recipe, world)),
  ]
}

/** The files on this machine that a recipe reads, as it spells them: their hashes are part of the plan. */
export function filesOfRecipe({ input, generate }: Recipe): string[] {
  if (input !== null) return [input]
  const own = generate.models.map(({ prompt }) => prompt).filter(isPromptPath)
  return [...new Set([...generate.imports.map(({ path }) => path), ...own])]
}

function importSpec(entry: ImportEntry, recipe: Recipe, world: World): ShardSpec {
  const read = [entry, ...taskImports(entry, recipe)]
  return {
    stage: 'generate',
    shard: entry.id,
    config: { imports: read.map(importConfig), tokenizer: DEFAULT_TOKENIZER },
    external: { files: read.map(({ path }) => world.files.get(path) ?? null) },
    inputs: pairShards(recipe, world),
  }
}

// Where a server is and how patiently it is asked changes no answer; which models there are, and in which shares, does.
function modelSpec(entry: ModelEntry, recipe: Recipe, world: World): ShardSpec {
  const { endpoints, retry: _, budget, batch, ...settings } = entry
  const read = recipe.generate.imports
  const judged = needsJudge(entry)
  return {
    stage: 'generate',
    shard: entry.id,
    config: {
      ...settings,
      budget,
      models: batch === null ? endpoints.map(({ model, weight }) => ({ model, weight })) : batch.model,
      prompt: { name: entry.prompt, sha256: prompts.get(entry.prompt)?.sha256 ?? null },
      seed: recipe.seed,
      imports: read.map(importConfig),
      tokenizer: DEFAULT_TOKENIZER,
      ...(judged ? { feedback: feedbackPrompt.sha256, validator: VALIDATOR, ...validatorSettings(recipe) } : {}),
    },
    external: {
      files: [...read.map(({ path }) => path), entry.prompt].map((path) => world.files.get(path) ?? null),
      ...(judged ? { device: world.device } : {}),
    },
    inputs: pairShards(recipe, world),
  }
}

function pairShards(recipe: Recipe, world: World): ShardKey[] {
  const resolved = recipe.sources.filter(({ id }) => typeof world.sources.get(id) === 'string')
  return resolved.map(({ id }) => ({ stage: 'pair', shard: id }))
}

function unknownEntry(id: string): CurateError {
  return new CurateError('unknown_entry', `the recipe has no entry ${id} under generate`, {
    hint: 'Run the plan again: the recipe changed while it ran.',
  })
}
