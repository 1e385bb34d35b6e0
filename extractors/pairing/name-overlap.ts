import { posix } from 'node:path'
import { freeReferences } from '../python/references.ts'
import { resolveChain } from '../python/resolution.ts'
import type { MinedKernel } from '../types.ts'
import type { PlanScope } from './program-plan.ts'
import { sideCode } from './side-code.ts'
import type { SplitComparison } from './side-code.ts'

/**
 * The kernels of comparisons whose names share a word with the test or with what the test calls. A test that only passes a kernel on
 * its way, through the constructor of a model or a package's set-up, mostly shares none.
 */
export function namedKernels(plan: PlanScope, splits: readonly SplitComparison[]): MinedKernel[] {
  const words = testWords(plan, splits)
  const kernels = [...new Set(splits.flatMap((split) => split.kernels))]
  return kernels.filter((kernel) => kernel.path === plan.test.module.path || sharesWord(kernel, words))
}

/** Whether a word of a kernel's name, of its file's or of its folder's is among others, also as a part of one. */
export function sharesWord({ path, symbol }: MinedKernel, words: ReadonlySet<string>): boolean {
  const joined = [...words].join(' ')
  const own = wordsOf(symbol, posix.basename(path).replace(/\.\w+$/, ''), posix.basename(posix.dirname(path)))
  return [...own].some((word) => words.has(word) || (word.length > 4 && joined.includes(word)) || isPartOf(words, word))
}

// `rms_norm` against `rmsnorm`.
function isPartOf(words: ReadonlySet<string>, word: string): boolean {
  return [...words].some((other) => other.length > 4 && word.includes(other))
}

function testWords(plan: PlanScope, splits: readonly SplitComparison[]): Set<string> {
  const { test, project } = plan
  const called = splits.flatMap((split) =>
    sideCode(plan, split.kernel).flatMap(({ frame, node }) =>
      freeReferences(frame.module.file, node).flatMap(({ name, parts }) => {
        if (frame.locals.has(name)) return []
        const meaning = resolveChain(project, frame.module, parts)
        const place = meaning.kind === 'definition' ? posix.basename(meaning.module.path, '.py') : ''
        return [...parts, place]
      }),
    ),
  )
  const symbols = [...plan.known.values()].flatMap((value) => (value.kind === 'symbol' ? value.name.split('.') : []))
  const { path } = test.module
  return wordsOf(test.name, posix.basename(path, '.py'), posix.basename(posix.dirname(path)), ...called, ...symbols)
}

/** The words of names, those left out that half of all kernels and tests have. */
export function wordsOf(...names: readonly string[]): Set<string> {
  const words = names.flatMap((name) =>
    name
      .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
      .toLowerCase()
      .split(/[^a-z0-9]+/),
  )
  return new Set(words.filter((word) => word.length > 1 && !COMMON.has(word)))
}

// What half of all kernels and tests are called.
const COMMON = new Set(
  [
    [
      'kernel',
      'kernels',
      'forward',
      'backward',
      'fwd',
      'bwd',
      'test',
      'tests',
      'testing',
      'triton',
      'cuda',
      'torch',
      'gpu',
    ],
    [
      'op',
      'ops',
      'main',
      'run',
      'impl',
      'init',
      'layers',
      'layer',
      'modules',
      'module',
      'model',
      'models',
      'functional',
    ],
    [
      'utils',
      'util',
      'common',
      'python',
      'pytorch',
      'unit',
      'core',
      'src',
      'lib',
      'csrc',
      'include',
      'the',
      'and',
      'of',
      'to',
    ],
    [
      'ref',
      'reference',
      'correctness',
      'accuracy',
      'fused',
      'float',
      'half',
      'bfloat16',
      'float16',
      'float32',
      'fp16',
      'bf16',
    ],
  ].flat(),
)
