import { freeReferences } from '../python/references.ts'
import { resolveChain } from '../python/resolution.ts'
import { fieldOf, nameChain, textOf, walk } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import type { PlanRefusal, PlanScope } from './program-plan.ts'
import { expectsInput } from './input-expectation.ts'
import { codeOf } from './side-code.ts'
import type { SplitComparison } from './side-code.ts'
import type { Code } from './test-code.ts'

/** What the calls of a test themselves say against a pair: several devices, random numbers, a reference that is not PyTorch. */
export function contentRefusal(plan: PlanScope, splits: readonly SplitComparison[]): PlanRefusal | null {
  const sideCode = (pick: 'reference' | 'kernel'): Code[] =>
    splits.flatMap((split) => [split[pick].output, ...codeOf(plan, split[pick].steps)])
  const both = [...sideCode('reference'), ...sideCode('kernel')]
  const everything = [
    ...both,
    ...splits.flatMap((split) => [...codeOf(plan, split.common), ...moduleSteps(plan, split)]),
  ]
  if (everything.some(isMultiDevice)) return { reason: 'multi_device', detail: null }
  if (splits.some(({ kernel }) => givesNothing(plan, kernel.output))) return { reason: 'no_output', detail: null }
  if (splits.every((split) => expectsInput(plan, split))) return { reason: 'input_expected', detail: null }
  const random = both.flatMap((code) => externals(plan, code)).find((name) => RANDOM.test(name))
  if (random !== undefined) return { reason: 'random_output', detail: random }
  const [isCounted, isCountExpected] = [sideCode('kernel'), sideCode('reference')].map((codes) =>
    codes.some(countsEqual),
  )
  if (isCounted === true && isCountExpected === false)
    return { reason: 'random_output', detail: 'how often a value occurs' }
  const numpy = sideCode('reference')
    .flatMap((code) => externals(plan, code))
    .find((name) => /^(?:numpy|scipy)\./.test(name) && !SCALAR_NUMPY.test(name))
  return numpy === undefined ? null : { reason: 'numpy_reference', detail: numpy }
}

// A call of a function that only writes to its arguments, where a benchmark measures it.
function givesNothing({ project }: PlanScope, { frame, node }: Code): boolean {
  const callee = node.type === 'call' ? fieldOf(node, 'function') : null
  const parts = callee === null ? null : nameChain(frame.module.file, callee)
  if (parts === null || frame.locals.has(parts[0] ?? '')) return false
  const meaning = resolveChain(project, frame.module, parts)
  if (meaning.kind !== 'definition' || meaning.used !== parts.length) return false
  const [only, ...more] = meaning.module.definitions.get(meaning.name) ?? []
  const body = only?.node.type === 'function_definition' && more.length === 0 ? fieldOf(only.node, 'body') : null
  return body !== null && ![...walk(body)].some(givesValue)
}

function givesValue({ type, children }: SyntaxNode): boolean {
  return type === 'yield' || (type === 'return_statement' && children.length > 0)
}

// What makes the modules of both sides and what changes them.
function moduleSteps(plan: PlanScope, { reference, kernel }: SplitComparison): Code[] {
  const names = [...reference.modules, ...kernel.modules]
  const steps = plan.effects.flatMap(({ changes }, at) => (names.some((name) => changes.has(name)) ? [at] : []))
  return codeOf(plan, [...steps, ...names.flatMap((name) => plan.modules.get(name) ?? [])])
}

const RANDOM =
  /^torch\.(?:rand|randn|randint|rand_like|randn_like|randint_like|randperm|bernoulli|multinomial|normal|poisson|dropout|nn\.functional\.(?:alpha_|feature_alpha_)?dropout\d?d?)$/

// `(results == upper).float().mean()` of many calls is a probability.
function countsEqual({ frame, node }: Code): boolean {
  return /\([^()]*==[^()]*\)(?:\.(?:float|double|to)\([^()]*\))*\.mean\(\)/.test(textOf(frame.module.file, node))
}

// Numbers, not arrays.
const SCALAR_NUMPY = /^numpy\.(?:prod|sqrt|pi|ceil|floor|log|log2|inf|e)$/

function isMultiDevice({ frame, node }: Code): boolean {
  return /torch\.distributed|init_process_group|["']cuda:[1-9]|world_size|\bfully_shard\b|\bFSDP\b|DistributedDataParallel|device_mesh/.test(
    textOf(frame.module.file, node),
  )
}

function externals({ project }: PlanScope, { frame, node }: Code): string[] {
  return freeReferences(frame.module.file, node).flatMap(({ name, parts }) => {
    if (frame.locals.has(name)) return []
    const meaning = resolveChain(project, frame.module, parts)
    return meaning.kind === 'external' ? [meaning.dotted.join('.')] : []
  })
}
