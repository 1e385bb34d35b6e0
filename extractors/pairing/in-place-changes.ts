import { changedNames, rootOf } from '../python/names.ts'
import { argumentsOf, fieldOf, textOf, walk } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import type { Frame } from './test-code.ts'

/** The variables of a frame whose values a node changes in place, by what it is written as: `x[0] = 1`, `x += y`, `del x[0]`, `x.fill_(0)`, `f(x, out=y)`. */
export function changedBelow(frame: Frame, node: SyntaxNode): string[] {
  const { file } = frame.module
  return [...walk(node, (inner) => inner.type !== 'function_definition' && inner.type !== 'lambda')].flatMap(
    (inner) => {
      if (inner.type === 'call') return changedByMethod(frame, inner)
      if (inner.type === 'augmented_assignment') {
        const left = fieldOf(inner, 'left')
        return left === null
          ? []
          : [...changedNames(file, left), ...(left.type === 'identifier' ? [textOf(file, left)] : [])]
      }
      if (inner.type === 'delete_statement') {
        const gone = inner.children.filter((target) => !isGradient(textOf(file, target)))
        return gone.flatMap((target) => changedNames(file, target))
      }
      const target = inner.type === 'assignment' ? fieldOf(inner, 'left') : null
      return target === null || isGradient(textOf(file, target)) ? [] : changedNames(file, target)
    },
  )
}

// `x.grad = None`, `x.grad, w.grad = None, None`, `x.grad.zero_()`: no value that a forward pass reads.
export function isGradient(place: string): boolean {
  return place.split(',').every((part) => /\.grad\s*$/.test(part))
}

const MUTATORS = new Set([
  'append',
  'extend',
  'insert',
  'update',
  'add',
  'pop',
  'clear',
  'remove',
  'setdefault',
  'add_module',
  'load_state_dict',
  'register_buffer',
  'register_parameter',
  'apply',
])

// `x.fill_(0)`, `x.weight.copy_(y)`, `torch.nn.init.normal_(x.weight)`, `f(x, out=y)`; a name of one underscore alone is none.
function changedByMethod(frame: Frame, call: SyntaxNode): string[] {
  const { file } = frame.module
  const callee = fieldOf(call, 'function')
  const { positional, keywords } = argumentsOf(file, call)
  const out = keywords.get('out')
  const written =
    out === undefined
      ? []
      : [...walk(out)].filter(({ type }) => type === 'identifier').map((node) => textOf(file, node))
  const attribute = callee?.type === 'attribute' ? fieldOf(callee, 'attribute') : null
  const object = callee?.type === 'attribute' ? fieldOf(callee, 'object') : null
  if (callee?.type === 'identifier') return [...written, ...changedByFunction(frame, call, textOf(file, callee))]
  if (callee === null || attribute === null || object === null || isGradient(textOf(file, object))) return written
  const method = operatorName(textOf(file, callee)) ?? textOf(file, attribute)
  const isInPlace = /[a-z0-9]_$/i.test(method) && method !== 'requires_grad_'
  const [root, first] = [placeRoot(object), positional[0]]
  const isVariable = root.type === 'identifier' && frame.locals.has(textOf(file, root))
  if (isVariable && (isInPlace || MUTATORS.has(method))) return [...written, textOf(file, root)]
  const target = !isVariable && isInPlace && first !== undefined ? placeRoot(first) : null
  return target?.type === 'identifier' ? [...written, textOf(file, target)] : written
}

// `torch.ops.aten.xlogy_.Scalar_Other`: the last part only says which overload it is.
function operatorName(callee: string): string | null {
  return /^torch\.ops\.\w+\.(\w+)\.\w+$/.exec(callee)?.[1] ?? null
}

/** What a call changes whose function is known by name alone: `relu_(x)`. */
export function changedByFunction({ module }: Frame, call: SyntaxNode, name: string): string[] {
  const [first] = argumentsOf(module.file, call).positional
  const target = first === undefined || !/[a-z0-9]_$/i.test(name) ? null : placeRoot(first)
  return target?.type === 'identifier' ? [textOf(module.file, target)] : []
}

// The variable whose own memory an expression is: not that of `x.clone()`, which is new.
function placeRoot(node: SyntaxNode): SyntaxNode {
  const holdsCall = [...walk(node)].some(({ type }) => type === 'call')
  return holdsCall ? node : rootOf(node)
}
