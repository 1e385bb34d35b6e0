import type { PythonProject } from '../python/project.ts'
import { resolveChain } from '../python/resolution.ts'
import { argumentsOf, fieldOf, nameChain, textOf, walk } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { acceptsCall } from './call-signature.ts'
import type { RegisteredOperator } from './operator-registry.ts'
import type { Code } from './test-code.ts'

/** A call of a PyTorch operator in a test, with what the repository registers for it. */
export interface OperatorCall {
  readonly call: SyntaxNode
  readonly callee: SyntaxNode
  /** The tensor whose method is called, or null for a function. */
  readonly receiver: SyntaxNode | null
  readonly operator: RegisteredOperator
}

export type Operators = ReadonlyMap<string, readonly RegisteredOperator[]>

/** Tells whether an argument is a number known from the test, and so no tensor. */
export type IsNumber = (node: SyntaxNode) => boolean

/** The calls of registered operators in code; calls of operators that are not registered are left out. */
export function operatorCalls(
  project: PythonProject,
  operators: Operators,
  code: Code,
  isNumber: IsNumber,
): OperatorCall[] {
  return [...walk(code.node)].flatMap((call) => {
    const callee = call.type === 'call' ? fieldOf(call, 'function') : null
    const named = callee === null ? null : operatorName(project, code, callee)
    if (callee === null || named === null) return []
    const operator = chooseOverload(project, operators.get(named.name) ?? [], named, code, call, isNumber)
    return operator === null ? [] : [{ call, callee, receiver: named.receiver, operator }]
  })
}

interface NamedOperator {
  readonly name: string
  /** The overload that `torch.ops.aten.add.Tensor` names; null where PyTorch chooses. */
  readonly overload: string | null
  readonly receiver: SyntaxNode | null
}

const NAMESPACES = /^torch\.(?:nn\.functional\.|special\.|Tensor\.)?(\w+)$/

function operatorName(project: PythonProject, { frame }: Code, callee: SyntaxNode): NamedOperator | null {
  const { file } = frame.module
  const parts = nameChain(file, callee)
  if (parts !== null && !frame.locals.has(parts[0] ?? '')) {
    const meaning = resolveChain(project, frame.module, parts)
    if (meaning.kind !== 'external') return null
    const dotted = meaning.dotted.join('.')
    const aten = /^torch\.ops\.aten\.(\w+)(?:\.(\w+))?$/.exec(dotted)
    if (aten !== null) return { name: aten[1] ?? '', overload: aten[2] ?? null, receiver: null }
    const name = NAMESPACES.exec(dotted)?.[1]
    return name === undefined ? null : { name, overload: null, receiver: null }
  }
  const [object, attribute] = [fieldOf(callee, 'object'), fieldOf(callee, 'attribute')]
  if (callee.type !== 'attribute' || object === null || attribute === null) return null
  return { name: textOf(file, attribute), overload: null, receiver: object }
}

// PyTorch chooses by argument types; what can be told from the call is whether there is an `out`, a `dim`, and a number where
// another overload takes a tensor; a function that cannot be called so is none of them. Where that leaves several the first of the
// table is taken: the pair is run before it is believed.
function chooseOverload(
  project: PythonProject,
  registered: readonly RegisteredOperator[],
  named: NamedOperator,
  { frame }: Code,
  call: SyntaxNode,
  isNumber: IsNumber,
): RegisteredOperator | null {
  const { positional, keywords } = argumentsOf(frame.module.file, call)
  const numPositional = positional.length + (named.receiver === null ? 0 : 1)
  const isSplat = positional.some(({ type }) => type.endsWith('_splat'))
  const given = { numPositional, keywords: [...keywords.keys()] }
  const callable = registered.filter(({ implementation }) => isSplat || acceptsCall(project, implementation, given))
  if (named.overload !== null) {
    const wanted = named.overload === 'default' ? '' : named.overload
    return callable.find(({ overload }) => overload === wanted) ?? null
  }
  const values = named.receiver === null ? positional.slice(1) : positional
  const hasOut = keywords.has('out')
  const alike = callable.filter(({ overload }) => /(?:^|_)out$/.test(overload) === hasOut)
  // Some have no argument called `out`, but several that are written to.
  const fitting = alike.length > 0 ? alike : callable
  const hasDim = keywords.has('dim') || keywords.has('axis')
  const [second] = values
  const kinds = second === undefined ? [] : isNumber(second) ? [/Scalar/, /^$/] : [/Tensor/, /^$/]
  const wishes = [...(hasDim ? [/dim/] : []), ...kinds, ...(hasDim ? [] : [/^(?!.*dim)/])]
  for (const wish of wishes) {
    const found = fitting.find(({ overload }) => wish.test(overload))
    if (found !== undefined) return found
  }
  return fitting[0] ?? null
}
