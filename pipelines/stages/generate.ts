import { isPromptPath } from '../../extractors/prompts/kernel-prompt.ts'
import { feedbackPrompt } from '../../extractors/prompts/feedback.ts'
import { prompts } from '../../extractors/prompts/bundled-prompts.ts'
import { openProgramWorker } from '../../validators/program-worker.ts'
import type { ProgramWorker } from '../../validators/program-worker.ts'
import type { Validator } from '../../validators/types.ts'
import { VALIDATOR, openValidator } from '../../validators/validator.ts'
import { CurateError } from '../core/errors.ts'
import { answers } from '../core/records/answer.ts'
import { candidates } from '../core/records/candidate.ts'
import { tasks } from '../core/records/task.ts'
import { trajectories } from '../core/records/trajectory.ts'
import type { ShardKey, ShardSpec, Stage, World } from '../core/stage.ts'
import { isTokenizerPath } from '../core/tokenizer-file.ts'
import { DEFAULT_TOKENIZER } from '../core/tokenizer.ts'
import { compilerConfig, runCompiler } from './generation/compiler-entry.ts'
import type { CompilerEntry } from './generation/compiler-entry.ts'
import { importConfig, runImport, taskImports } from './generation/import-entry.ts'
import { needsJudge } from './generation/model-entry.ts'
import type { ModelEntry } from './generation/model-entry.ts'
import { GENERATE_VERSION } from './generation/stage-version.ts'
import type { ImportEntry, Recipe } from './recipe.ts'
import { validatorSettings } from './validator-settings.ts'

/**
 * Turns what models and compilers write into candidates, for tasks that were paired or that files bring themselves: one shard per file
 * of outputs, and one per entry that asks models or a compiler.
 */
export const generateStage: Stage<Recipe, GenerateResource> = {
  name: 'generate',
  version: GENERATE_VERSION,
  unit: 'outputs',
  tables: [tasks, candidates, trajectories, answers],
  concurrency: () => 1,
  plan: (recipe, world) => (recipe.input === null ? planEntries(recipe, world) : []),
  async open(recipe, cacheFolder, signal) {
    const programs = openProgramWorker({ cacheFolder, signal })
    const options = { workers: recipe.validate.workers, cacheFolder, signal }
    const isJudged = recipe.generate.models.some(needsJudge)
    return { programs, validator: isJudged ? await openValidator(validatorSettings(recipe), options) : null }
  },
  async close({ programs, validator }) {
    await programs.close()
    await validator?.close()
  },
  async *run(context) {
    const { generate } = context.recipe
    const { shard } = context.shard
    const imported = generate.imports.find(({ id }) => id === shard)
    const asked = generate.models.find(({ id }) => id === shard)
    const compiled = generate.compilers.find(({ id }) => id === shard)
    const { programs, validator } = context.resource
    if (imported !== undefined) yield* runImport(context, imported)
    else if (compiled !== undefined) yield* runCompiler(context, compiled, programs)
    else if (asked !== undefined) {
      const { runModels } = await import('./generation/model-run.ts')
      yield* runModels({ ...context, resource: needsJudge(asked) ? validator : null }, asked)
    } else throw unknownEntry(shard)
  },
}

/** What the entries of a recipe share. */
interface GenerateResource {
  readonly programs: ProgramWorker
  /** Null where no entry judges while it generates. */
  readonly validator: Validator | null
}

function planEntries(recipe: Recipe, world: World): ShardSpec[] {
  return [
    ...recipe.generate.imports.map((entry) => importSpec(entry, recipe, world)),
    ...recipe.generate.models.map((entry) => modelSpec(entry, recipe, world)),
    ...recipe.generate.compilers.map((entry) => compilerSpec(entry, recipe, world)),
  ]
}

/** The files on this machine that a recipe reads, as it spells them: their hashes are part of the plan. */
export function filesOfRecipe({ input, generate, tokenizer }: Recipe): string[] {
  const counted = tokenizer !== null && isTokenizerPath(tokenizer) ? [tokenizer] : []
  if (input !== null) return [input, ...counted]
  const own = generate.models.map(({ prompt }) => prompt).filter(isPromptPath)
  return [...new Set([...generate.imports.map(({ path }) => path), ...own, ...counted])]
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

// Another version of PyTorch writes other kernels.
function compilerSpec(entry: CompilerEntry, recipe: Recipe, world: World): ShardSpec {
  const read = recipe.generate.imports
  return {
    stage: 'generate',
    shard: entry.id,
    config: { compiler: compilerConfig(entry), imports: read.map(importConfig) },
    external: { files: read.map(({ path }) => world.files.get(path) ?? null), device: world.device },
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
