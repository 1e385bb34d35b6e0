import { evaluate } from '../python/evaluation.ts'
import type { PythonProject } from '../python/project.ts'
import { resolveChain } from '../python/resolution.ts'
import { argumentsOf, fieldOf, nameChain, walk } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { numeric } from '../python/values.ts'
import type { Value } from '../python/values.ts'
import type { ModuleConstructor, TypedParameter } from './module-classes.ts'

/** Places of a module's workloads in the lists of sizes. */
export const WORKLOADS = [0, 1, 2, 3, 4] as const

/**
 * The names that stand for sizes in inputs, and what they are: a small case that runs anywhere, one for a GPU, a single one, and
 * sizes that no power of two divides.
 */
export const SIZES: Readonly<Record<string, readonly [string, string, string, string, string]>> = {
  BATCH: ['4', '16', '1', '7', '3'],
  LENGTH: ['32', '512', '1', '127', '257'],
  HEIGHT: ['32', '128', '64', '33', '48'],
  WIDTH: ['32', '128', '48', '65', '31'],
}

/**
 * Inputs that a forward pass may take, the likeliest first: a list of Python expressions each. The first layers of the
 * constructor say how many features there are and where; without any, the sizes it was given do.
 */
export function inputLayouts(
  project: PythonProject,
  constructor: ModuleConstructor,
  given: ReadonlyMap<string, Value | null>,
  inputs: readonly TypedParameter[],
): string[][] {
  const layers = layersOf(project, constructor, given)
  const numbers = [...given.values()].flatMap((value) => (value?.kind === 'number' ? [value.value] : []))
  const sizes = numbers.filter((size) => Number.isInteger(size) && size >= 8)
  const shapes = [
    ...layers.flatMap(({ layout, size }) => LAYOUTS[layout]?.map((shape) => shape(size)) ?? []),
    ...[...new Set(sizes)].flatMap((size) => [
      `BATCH, LENGTH, ${size}`,
      `BATCH, ${size}`,
      `BATCH, ${size}, HEIGHT, WIDTH`,
    ]),
    'BATCH, 64, HEIGHT, WIDTH',
    'BATCH, LENGTH, 64',
    'BATCH, 64',
  ]
  const words = layers.find(({ layout }) => layout === 'words')?.size ?? null
  const found = [...new Set(shapes)].flatMap((shape) => expressions(shape, words, inputs))
  return [...new Map(found.map((texts) => [texts.join('; '), texts])).values()].slice(0, MAX_LAYOUTS)
}

// Each is a run of the module.
const MAX_LAYOUTS = 8

type Layout = 'features' | 'words' | 'planes' | 'signal' | 'volume'

// Names of layers in `torch.nn`, and which argument says how many features go in.
const LAYERS: readonly (readonly [RegExp, Layout, number])[] = [
  [/^(?:Linear|Bilinear|LayerNorm|RMSNorm|LSTM|GRU|RNN|MultiheadAttention|TransformerEncoderLayer)$/, 'features', 0],
  [/^(?:Embedding|EmbeddingBag)$/, 'words', 0],
  [/^(?:LazyConv2d|Conv2d|ConvTranspose2d|BatchNorm2d|InstanceNorm2d|Dropout2d)$/, 'planes', 0],
  [/^GroupNorm$/, 'planes', 1],
  [/^(?:Conv1d|ConvTranspose1d|BatchNorm1d|InstanceNorm1d)$/, 'signal', 0],
  [/^(?:Conv3d|ConvTranspose3d|BatchNorm3d|InstanceNorm3d)$/, 'volume', 0],
]

const LAYOUTS: Readonly<Record<Layout, readonly ((size: number) => string)[]>> = {
  features: [(size) => `BATCH, LENGTH, ${size}`, (size) => `BATCH, ${size}`],
  words: [() => 'words'],
  planes: [(size) => `BATCH, ${size}, HEIGHT, WIDTH`],
  signal: [(size) => `BATCH, ${size}, LENGTH`, (size) => `BATCH, ${size}`],
  volume: [(size) => `BATCH, ${size}, 8, HEIGHT, WIDTH`],
}

interface Layer {
  readonly layout: Layout
  readonly size: number
}

function layersOf(
  project: PythonProject,
  { module, body }: ModuleConstructor,
  locals: ReadonlyMap<string, Value | null>,
): Layer[] {
  const calls = body === null ? [] : [...walk(body)].filter(({ type }) => type === 'call')
  return calls.flatMap((call): Layer[] => {
    const callee = fieldOf(call, 'function')
    const parts = callee === null ? null : nameChain(module.file, callee)
    const meaning = parts === null ? null : resolveChain(project, module, parts)
    if (meaning?.kind !== 'external' || meaning.dotted[0] !== 'torch') return []
    const known = LAYERS.find(([pattern]) => pattern.test(meaning.dotted.at(-1) ?? ''))
    const node = known === undefined ? undefined : sizeNode(argumentsOf(module.file, call), known[2])
    const size = node === undefined ? null : sizeOf(evaluate({ project, module, locals }, node))
    return known === undefined || size === null ? [] : [{ layout: known[1], size }]
  })
}

const SIZE_KEYWORDS = [
  'in_features',
  'in_channels',
  'num_channels',
  'num_features',
  'normalized_shape',
  'num_embeddings',
  'input_size',
  'embed_dim',
  'd_model',
]

function sizeNode({ positional, keywords }: ReturnType<typeof argumentsOf>, at: number): SyntaxNode | undefined {
  const keyword = SIZE_KEYWORDS.find((name) => keywords.has(name))
  return keyword === undefined ? positional[at] : keywords.get(keyword)
}

function sizeOf(value: Value | null): number | null {
  const one = value?.kind === 'sequence' && value.items.length === 1 ? (value.items[0] ?? null) : value
  const size = one === null ? null : numeric(one)
  return size === null || !Number.isInteger(size) || size < 1 ? null : size
}

const INDICES = /(?:^|_)(?:ids?|idx|index|indices|tokens?)$/
const TARGETS = /(?:^|_)(?:labels?|targets?|y_true|gt)$/

// Where targets are given, they may be numbers like the prediction, or classes.
function expressions(shape: string, words: number | null, inputs: readonly TypedParameter[]): string[][] {
  const needed = inputs.filter(({ kind, default: value }) => kind === 'positional' && value === null)
  const indices = `torch.randint(0, ${words ?? 10}, (BATCH, LENGTH))`
  const plain = needed.map(({ name }) => (INDICES.test(name) || shape === 'words' ? indices : `torch.randn(${shape})`))
  const target = needed.findIndex(({ name }) => TARGETS.test(name))
  const [features = '10', ...rest] = shape.split(', ').slice(1)
  const classes = `torch.randint(0, ${features}, (${rest.length === 0 ? 'BATCH,' : ['BATCH', ...rest].join(', ')}))`
  return target < 1 || shape === 'words' ? [plain] : [plain, plain.with(target, classes)]
}
