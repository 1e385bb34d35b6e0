import { z } from 'zod'
import { HistoryOptions } from '../../extractors/history/options.ts'
import { datasets } from '../../extractors/imports/datasets/registry.ts'
import { importFormats } from '../../extractors/imports/registry.ts'
import { languages } from '../../extractors/languages/registry.ts'
import { ModuleOptions } from '../../extractors/modules/options.ts'
import { pairingMethods } from '../../extractors/pairing/registry.ts'
import { reasoningSources } from '../../extractors/reasoning/registry.ts'
import { sources } from '../../extractors/sources/registry.ts'
import { filters } from '../../filters/registry.ts'
import { BASELINES } from '../core/records/evaluation.ts'
import { enabledPlugins, optionShapes, optionsByPlugin } from '../core/plugin.ts'
import type { Registry } from '../core/plugin.ts'
import { compilerEntryShape } from './generation/compiler-entry.ts'
import { TOKENIZER_NAMES } from '../core/tokenizer.ts'
import { ImportColumns } from './generation/import-columns.ts'
import { checkModelEntry, modelEntryShape } from './generation/model-entry.ts'
import { Export, Publish } from './dataset-options.ts'
import { InputColumns, InputValues } from './input-options.ts'

const NAME = z
  .string()
  .regex(/^[a-z0-9][a-z0-9._-]{0,99}$/, 'lower-case letters, digits, dots, dashes and underscores, at most 100')

/** One entry under `sources`: its own id, and one kind of source with that kind's options. */
const SourceEntry = z
  .strictObject({
    id: NAME.describe('Name of the source in rows, folders and reports; unique in the recipe'),
    include: z.array(z.string()).default(['**']).describe('Glob patterns of paths to read'),
    exclude: z.array(z.string()).default([]).describe('Glob patterns of paths to leave out, after `include`'),
    ...optionShapes(sources),
  })
  .superRefine(exactlyOneOf(sources, 'kind of source'))
export type SourceEntry = z.infer<typeof SourceEntry>

/** One entry under `generate.imports`: a file of model outputs and the format it is in. */
const ImportEntry = z
  .strictObject({
    id: NAME.describe('Name of the import in rows and reports'),
    path: z.string().describe('File of model outputs, relative to the recipe'),
    columns: ImportColumns.prefault({}).describe(
      'Which column holds what; dots reach into nested values; not read where `dataset` says it',
    ),
    tasks_only: z
      .boolean()
      .default(false)
      .describe('Whether the file is read for its tasks alone, without the implementations in it'),
    form: z
      .enum(['python', 'native'])
      .default('python')
      .describe('Of the implementations: modules with `ModelNew`, or C++ and CUDA with an `extern "C"` launcher `run`'),
    dataset: z
      .enum(Object.keys(datasets))
      .nullable()
      .default(null)
      .describe('A published dataset whose columns are known (`curate list`); null for `columns`'),
    ...optionShapes(importFormats),
  })
  .superRefine(exactlyOneOf(importFormats, 'file format'))
export type ImportEntry = z.infer<typeof ImportEntry>

const Mine = z.strictObject({
  languages: optionsByPlugin(languages).describe('Kernel languages to look for'),
  limits: z
    .strictObject({
      max_file_bytes: z.int().positive().default(2_000_000).describe('Larger files are skipped with a reason'),
      max_files: z.int().positive().default(100_000).describe('Files read of one repository'),
      read_vendored: z
        .boolean()
        .default(false)
        .describe('Whether folders that hold other people’s code, such as `third_party`, are read too'),
    })
    .prefault({})
    .describe('What one repository may cost'),
  opt_out: z
    .array(z.string())
    .default([])
    .describe(
      'Repositories, packages and folders that are not mined because their owners asked: names or globs, `owner/*`',
    ),
})

const Pair = z.strictObject({
  methods: optionsByPlugin(pairingMethods).describe('Ways to find the PyTorch reference of a kernel'),
  reasoning: optionsByPlugin(reasoningSources).prefault({}).describe('Where to look for people’s reasoning'),
  prove: z
    .boolean()
    .default(true)
    .describe(
      'Whether what was cut out is run before it is believed, in the sandbox and on a processor: the reference on inputs of its own, the implementation as far as its import; without it `pair` needs no Python',
    ),
  history: HistoryOptions.nullable()
    .default(null)
    .describe('Past states of implementations as candidates, linked as trajectories; null for the present alone'),
  modules: ModuleOptions.nullable()
    .default(null)
    .describe(
      'The `torch.nn.Module`s of a repository as tasks, on inputs that are worked out and tried; `generate` writes kernels for them; null for none',
    ),
})

/** One entry under `generate.models`: which models are asked, and for what. */
const ModelEntry = z
  .strictObject({ id: NAME.describe('Name of the entry in rows and reports'), ...modelEntryShape })
  .superRefine(checkModelEntry)

const Generate = z
  .strictObject({
    imports: z
      .array(ImportEntry)
      .superRefine(uniqueIds)
      .default([])
      .describe('Files of model outputs to import as candidates'),
    models: z
      .array(ModelEntry)
      .superRefine(uniqueIds)
      .default([])
      .describe('Models to ask for candidates, over the network or through files'),
    compilers: z
      .array(z.strictObject({ id: NAME.describe('Name of the entry in rows and reports'), ...compilerEntryShape }))
      .superRefine(uniqueIds)
      .default([])
      .describe('Implementations that TorchInductor writes in Triton, which needs neither a model nor a GPU'),
  })
  .superRefine((entries, context) => {
    const known = new Map(entries.imports.map(({ id }) => [id, 'an import']))
    for (const section of ['models', 'compilers'] as const) {
      for (const [index, { id }] of entries[section].entries()) {
        const message = `the id ${id} is that of ${known.get(id)}`
        if (known.has(id)) context.addIssue({ code: 'custom', path: [section, index, 'id'], message })
      }
      for (const { id } of entries[section]) known.set(id, `an entry of ${section}`)
    }
  })

const Validate = z.strictObject({
  mode: z
    .enum(['screen', 'standard', 'certify'])
    .default('standard')
    .describe(
      '`screen` judges correctness only; `standard` also times; `certify` draws more inputs, tries all mutants, and asks compute-sanitizer and a second GPU',
    ),
  calls: z.int().min(1).max(100).default(3).describe('Calls with fresh inputs per workload'),
  max_workloads: z.int().positive().default(5).describe('Workloads judged per task, the first ones'),
  timeout_s: z.number().positive().default(60).describe('Seconds for one candidate on one workload'),
  timing_s: z
    .number()
    .positive()
    .default(3)
    .describe('Seconds of timing one candidate on one workload; it ends earlier once the ratio is known to 2 %'),
  build_timeout_s: z.number().positive().default(300).describe('Seconds for compiling one candidate'),
  precision: z
    .enum(['strict', 'allow_tf32'])
    .default('strict')
    .describe('Whether products of float32 may be TensorFloat-32 (11 bits), which `tl.dot` makes by default'),
  baselines: z
    .array(z.enum(BASELINES))
    .nullable()
    .default(null)
    .describe(
      'What candidates are timed against beside eager mode, once per task and device: `compile` and `max_autotune` are modes of `torch.compile`, which take up to a minute per workload; null: both with `certify`, none otherwise',
    ),
  sanitizer_share: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe(
      'Share of candidates, 0 to 1, that are run under NVIDIA’s compute-sanitizer as well, on a GPU and their smallest workload (a minute each); with `certify` all are, and what memcheck finds refuses them',
    ),
  own_kernel: z
    .enum(['report', 'require'])
    .default('report')
    .describe('`require` refuses candidates that neither build nor launch a kernel of their own'),
  library_calls: z
    .enum(['allow', 'report', 'forbid'])
    .default('report')
    .describe('`report` measures what libraries do of a call, `forbid` refuses more than 5 %, `allow` does not look'),
  static_tags: z
    .enum(['report', 'refuse'])
    .default('refuse')
    .describe(
      '`refuse` runs no candidate whose text does what no honest kernel does, such as replacing parts of PyTorch',
    ),
  backward: z
    .enum(['report', 'require'])
    .default('report')
    .describe(
      '`require` refuses candidates that give no gradients where inputs of the task have `requires_grad`; wrong ones are refused with `report` as well',
    ),
  memory_bytes: z.int().positive().default(8_000_000_000).describe('Address space of one candidate process'),
  workers: z
    .int()
    .positive()
    .nullable()
    .default(null)
    .describe('Judges at a time; null for up to six per GPU, or one per two cores'),
  shards: z.int().positive().max(4096).default(8).describe('Parts of the stage: the unit of resume'),
})

/** A recipe: the file that fixes sources, stages, thresholds and exports. */
export const Recipe = z
  .strictObject({
    $schema: z.string().optional().describe('For editors; ignored'),
    name: NAME.describe('Name of the run’s folder and of the dataset'),
    description: z.string().default('').describe('What the dataset is for; printed on the card'),
    seed: z.int().min(0).default(0).describe('Every random choice derives from it'),
    sources: z.array(SourceEntry).superRefine(uniqueIds).default([]).describe('Repositories to mine'),
    input: z
      .string()
      .nullable()
      .default(null)
      .describe(
        'Candidates that another program validated, relative to the recipe: a file of docs/records/validated-candidate.md in Parquet or JSON lines. The stages before `filter` then have nothing to do; `--input` sets it',
      ),
    input_columns: InputColumns.prefault({}).describe(
      'Columns of `input` that have other names: column of docs/records/validated-candidate.md to column of the file, dots reaching into nested values',
    ),
    input_values: InputValues.prefault({}).describe(
      'What holds for every row of `input` that says nothing of it: column of docs/records/validated-candidate.md to value',
    ),
    mine: Mine.prefault({ languages: {} }),
    pair: Pair.prefault({ methods: {} }),
    generate: Generate.prefault({}),
    validate: Validate.prefault({}),
    filters: optionsByPlugin(filters).describe('Filters to apply, each with its options'),
    tokenizer: z
      .string()
      .nullable()
      .default(null)
      .describe(
        `Tokenizer that \`filter\` counts every reasoning with: ${TOKENIZER_NAMES.join(', ')}, or the path of a \`tokenizer.json\`, relative to the recipe; null for what rows were counted with`,
      ),
    trace_graphs: z
      .boolean()
      .nullable()
      .default(null)
      .describe(
        'Whether `filter` traces references into graphs, with PyTorch and in the sandbox (`reference_graph`); null: where a filter compares graphs (`semantic-dedup.by: graph`, `decontamination.max_graph`)',
      ),
    export: Export,
    publish: Publish.nullable().default(null).describe('Where to publish; null to stop after export'),
  })
  .superRefine(somethingToRead)
export type Recipe = z.infer<typeof Recipe>

function somethingToRead(
  recipe: { sources: readonly unknown[]; input: string | null; generate: z.infer<typeof Generate> },
  context: z.RefinementCtx,
): void {
  if (recipe.sources.length > 0 || recipe.input !== null || recipe.generate.imports.length > 0) return
  const message = 'names nothing to read: give `sources`, `generate.imports`, or `input`'
  context.addIssue({ code: 'custom', path: ['sources'], message })
}

function exactlyOneOf(registry: Registry, what: string) {
  return (entry: Readonly<Record<string, unknown>>, context: z.RefinementCtx): void => {
    const named = enabledPlugins(registry, entry)
    if (named.length === 1) return
    const ids = Object.values(registry).map((plugin) => plugin.id)
    context.addIssue({
      code: 'custom',
      message: `names ${named.length} of ${ids.join(', ')}; give exactly one ${what}`,
    })
  }
}

function uniqueIds(entries: readonly { id: string }[], context: z.RefinementCtx): void {
  const seen = new Set<string>()
  for (const [index, { id }] of entries.entries()) {
    if (seen.has(id)) context.addIssue({ code: 'custom', path: [index, 'id'], message: `the id ${id} is used twice` })
    seen.add(id)
  }
}
