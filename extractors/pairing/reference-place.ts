import { freeReferences } from '../python/references.ts'
import { resolveChain } from '../python/resolution.ts'
import { fieldOf, textOf, undecorated, walk } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { literalText } from '../python/values.ts'
import type { ReferencePlace } from '../types.ts'
import type { PlanScope } from './program-plan.ts'
import { codeOf } from './side-code.ts'
import type { SplitComparison } from './side-code.ts'
import { usedVariables } from './step-effects.ts'
import type { Code } from './test-code.ts'

/**
 * Where the reference of a comparison stands: the function or class of the repository that its side gives tensors to, the one nearest
 * to the compared value first; else the PyTorch function; else the expression itself.
 */
export function referencePlace(plan: PlanScope, { reference }: SplitComparison): ReferencePlace {
  if (reference.output.node.type === 'function_definition') return functionPlace(reference.output)
  const modules = [...reference.modules].flatMap((name) => plan.modules.get(name) ?? [])
  const steps = [...reference.steps].toSorted((a, b) => b - a)
  const codes = [reference.output, ...codeOf(plan, steps), ...codeOf(plan, modules)]
  const made = new Set(codeOf(plan, modules))
  const isOwn = (code: Code): boolean =>
    (made.has(code) || readsTensors(plan, code)) && definitionsIn(plan, code).length > 0
  const own = codes.find((code) => made.has(code) && isOwn(code)) ?? codes.find(isOwn)
  const named = codes.find((code) => torchNamesIn(plan, code).some((name) => !REARRANGES.test(name)))
  // `expected = torch.exp(to_reference(x))`: what PyTorch computes later is nearer than what prepares its input.
  const isNearer =
    own !== undefined && named !== undefined && !made.has(own) && codes.indexOf(named) < codes.indexOf(own)
  // What is given sizes and dtypes alone makes inputs; it is the reference where nothing else is.
  const chosen = isNearer
    ? undefined
    : (own ?? (named === undefined ? codes.find((code) => definitionsIn(plan, code).length > 0) : undefined))
  const found = chosen === undefined ? undefined : definitionsIn(plan, chosen)[0]
  const value = codes.find((code) => code.node.type !== 'identifier') ?? reference.output
  // A class of PyTorch's stands where it is made; what gives the value is the call of its object.
  const from = found?.code ?? (named === undefined || made.has(named) ? value : named)
  const expression = oneLine(from)
  if (found !== undefined) return { path: found.path, symbol: found.symbol, line: found.line, expression }
  const { file } = from.frame.module
  const symbol = named === undefined ? null : (torchNamesIn(plan, named)[0] ?? null)
  return { path: file.path, symbol, line: file.lineOf(from.node.start), expression }
}

// `assertCorrectness(library.op, self.reference, arguments)` compares two functions.
function functionPlace({ frame, node }: Code): ReferencePlace {
  const { file } = frame.module
  const name = fieldOf(node, 'name')
  const line = file.lineOf(node.start)
  const expression = (textOf(file, node).split('\n')[0] ?? '').trim()
  return { path: file.path, symbol: name === null ? null : textOf(file, name), line, expression }
}

// Puts values beside each other that something else has computed.
const REARRANGES = /^torch\.(?:cat|concat|stack|vstack|hstack|split|chunk|tensor_split|where|clamp|isnan|nan_to_num)$/

// Whatever the test computes may be a tensor; its parameters are none.
function readsTensors({ test, effects, known }: PlanScope, code: Code): boolean {
  return [...usedVariables(test, code)].some(
    (name) => !known.has(name) && effects.some(({ defines }) => defines.has(name)),
  )
}

/** Code as written, on one line. */
export function oneLine({ frame, node }: Code): string {
  return textOf(frame.module.file, node).replaceAll(/\s+/g, ' ')
}

/** Whether the reference of a comparison computes anything that can be seen: a call of a fixture's object is no reference. */
export function isComputed(plan: PlanScope, { reference }: SplitComparison): boolean {
  const modules = [...reference.modules].flatMap((name) => plan.modules.get(name) ?? [])
  const codes = [reference.output, ...codeOf(plan, [...reference.steps, ...modules])]
  if (codes.some((code) => namesIn(code).some((parts) => isWholeModel(plan, code, parts)))) return false
  return codes.some((code) => {
    if (definitionsIn(plan, code).length > 0 || torchNamesIn(plan, code).length > 0) return true
    return [...walk(code.node)].some((node) => node.type === 'binary_operator' || isTensorMethod(code, node))
  })
}

// A language model of another package is the reference of no single kernel.
function isWholeModel(plan: PlanScope, { frame }: Code, parts: readonly string[]): boolean {
  const meaning = resolveChain(plan.project, frame.module, parts)
  if (meaning.kind !== 'external' || meaning.dotted[0] === 'torch') return false
  return meaning.dotted.some((name) =>
    /^from_pretrained$|For[A-Z]\w+(?:LM|Generation|Classification)$|^LLM$/.test(name),
  )
}

// What only moves or renames a value.
const MOVES =
  /^(?:clone|detach|data|to|cpu|cuda|float|half|double|bfloat16|contiguous|item|numpy|tolist|requires_grad_)$/

// `x.softmax(-1)`, `x.T`; `optimizer.state` is nothing that is computed.
function isTensorMethod({ frame }: Code, place: SyntaxNode): boolean {
  const callee = place.type === 'call' ? fieldOf(place, 'function') : null
  const isTransposed = place.type === 'attribute' && /\.m?T$/.test(textOf(frame.module.file, place))
  const node = isTransposed ? place : callee
  const attribute = node?.type === 'attribute' ? fieldOf(node, 'attribute') : null
  const object = node?.type === 'attribute' ? fieldOf(node, 'object') : null
  if (attribute === null || object === null) return false
  const isLocal = object.type !== 'identifier' || frame.locals.has(textOf(frame.module.file, object))
  return isLocal && !MOVES.test(textOf(frame.module.file, attribute))
}

interface OwnDefinition {
  readonly path: string
  readonly symbol: string
  readonly line: number
  readonly code: Code
}

// Functions and classes, also those that a variable stands for; constants are no reference.
function definitionsIn(plan: PlanScope, code: Code): OwnDefinition[] {
  const places: Code[] = [code]
  for (const name of usedVariables(plan.test, code)) {
    const value = plan.known.get(name)
    if (value?.kind !== 'symbol' || literalText(value) !== null) continue
    places.push({ frame: { ...code.frame, module: value.module, locals: new Set() }, node: value.node })
  }
  return places.flatMap((place) => namesIn(place).flatMap((parts) => definitionOf(plan, place, parts, code)))
}

function namesIn({ frame, node }: Code): (readonly string[])[] {
  return freeReferences(frame.module.file, node).flatMap(({ name, parts }) => (frame.locals.has(name) ? [] : [parts]))
}

function definitionOf(plan: PlanScope, { frame }: Code, parts: readonly string[], code: Code): OwnDefinition[] {
  const meaning = resolveChain(plan.project, frame.module, parts)
  if (meaning.kind !== 'definition') return []
  const [statement] = meaning.module.definitions.get(meaning.name) ?? []
  const definition = statement === undefined ? null : undecorated(statement.node)
  if (definition === null || !/^(?:function|class)_definition$/.test(definition.type)) return []
  const { path, file } = meaning.module
  if (plan.identities.has(`${meaning.module.dotted}.${meaning.name}`)) return []
  return [{ path, symbol: meaning.name, line: file.lineOf(definition.start), code }]
}

function torchNamesIn(plan: PlanScope, code: Code): string[] {
  return namesIn(code).flatMap((parts) => {
    const meaning = resolveChain(plan.project, code.frame.module, parts)
    const dotted = meaning.kind === 'external' ? meaning.dotted.join('.') : ''
    return dotted.startsWith('torch.') && !NO_COMPUTATION.test(dotted) ? [dotted] : []
  })
}

// Dtypes, devices and what makes tensors out of nothing are no operators.
const NO_COMPUTATION =
  /^torch\.(?:(?:b?float|int|uint|complex)\d*\w*|half|double|long|bool|device|tensor|empty\w*|zeros\w*|ones\w*|full\w*|arange|manual_seed|Tensor|no_grad|inference_mode|cuda\..*|amp\..*|autocast|autograd\..*|nn\.init\..*|testing\..*|finfo|iinfo)$/
