import type { Logger } from './log.ts'
import type { RowSelection } from './parquet.ts'
import type { Table, TableRow } from './table.ts'

/** The stages in the order data passes through them. */
export const STAGE_NAMES = ['mine', 'pair', 'generate', 'validate', 'filter', 'export', 'publish'] as const
export type StageName = (typeof STAGE_NAMES)[number]

/** Names one shard: the unit of work and of resume. */
export interface ShardKey {
  readonly stage: StageName
  /** Name within the stage: a source id, a bucket number or `all`; safe as a folder name. */
  readonly shard: string
}

/** One shard as a stage plans it. Equal specs over equal inputs give equal output. */
export interface ShardSpec extends ShardKey {
  /** Everything of the recipe, and every plug-in version, that the output depends on. */
  readonly config: unknown
  /** Identity of what is read from outside the work directory: a commit id, a file's hash, the device. */
  readonly external: unknown
  /** Upstream shards it reads. */
  readonly inputs: readonly ShardKey[]
  /** Those of its inputs without which it cannot run; without others it goes on and says so. */
  readonly required?: readonly ShardKey[]
}

/** What a plan may look at: facts that were settled before planning, so that planning itself reads nothing. */
export interface World {
  /** Source id to what it resolved to: a commit id, or null where it could not be reached. */
  readonly sources: ReadonlyMap<string, string | null>
  /** Path to SHA-256 of local files that the recipe names. */
  readonly files: ReadonlyMap<string, string>
  /** What validation would run on: changes when a GPU, PyTorch or the worker changes. */
  readonly device: string
  /** What the user's environment says of the Hub, where the recipe publishes: without a token it is a dry run. */
  readonly hub?: { readonly hasToken: boolean; readonly endpoint: string | null }
}

/** What a running shard may use. */
export interface StageContext<Recipe, Resource> {
  readonly recipe: Recipe
  /** What runs; its `inputs` are those that are there. */
  readonly shard: ShardSpec
  /** Inputs that the plan names and that could not be made: the shard goes on without them and says so in its rows. */
  readonly missingInputs: readonly ShardKey[]
  readonly world: World
  readonly resource: Resource
  readonly signal: AbortSignal
  readonly log: Logger
  /** Folder for content-addressed things that outlive the shard: clones, builds, evaluations. */
  readonly cacheDirectory: string
  /** Folder of the run for answers that were paid for: it outlives shards and is never cleaned. */
  readonly answersDirectory: string
  /** Folder of the recipe file: what relative paths in a recipe are relative to. */
  readonly recipeDirectory: string
  /** Rows of a table over all input shards that hold it, in a fixed order; `wanted` reads some of them without decoding the rest. */
  read<Row>(table: Table<Row>, wanted?: RowSelection): AsyncIterable<Row>
  /** The files that hold a table over all input shards, each checked against its manifest: for queries over whole files. */
  inputFiles(table: Table<unknown>): Promise<readonly string[]>
  /** The folder of a finished input shard, for readers that want whole files. */
  inputDirectory(input: ShardKey): string
  /** Creates a file that belongs to the shard's output; `write` gets a temporary path. */
  writeOutput(path: string, write: (temporaryPath: string) => Promise<void>): Promise<void>
  readonly progress: ShardProgress
}

/** Progress of one shard, in units the stage chooses. */
export interface ShardProgress {
  /** Adds to the units that are to be done. */
  expect(units: number): void
  /** Adds to the units that are done. */
  advance(units?: number): void
  /** Says what the user should know although the shard goes on; `hint` says what to do about it. */
  warn?(message: string, hint: string): void
}

/** A stage: rows in, rows out. It opens no shard, writes no manifest and prints nothing. */
export interface Stage<Recipe, Resource = undefined> {
  readonly name: StageName
  /** Raised by every change that alters output for the same input. */
  readonly version: number
  /** What its progress counts: `files`, `candidates`. */
  readonly unit: string
  /** Tables it may write, besides `rejects`, which every stage may. */
  readonly tables: readonly Table<unknown>[]
  /** How many shards may run at the same time. */
  concurrency(recipe: Recipe): number
  /** The shards there are: pure. */
  plan(recipe: Recipe, world: World): ShardSpec[]
  /** Opens what all shards of a run share. */
  open?(recipe: Recipe, cacheDirectory: string, signal: AbortSignal): Promise<Resource>
  close?(resource: Resource): Promise<void>
  run(context: StageContext<Recipe, Resource>): AsyncIterable<TableRow>
  /** Does, into the cache, what a shard will want and what needs no GPU, for GPUs of a compute capability; decides nothing. */
  prepareOn?(context: StageContext<Recipe, null>, capability: readonly [number, number]): Promise<void>
}
