import { evaluate } from './evaluation.ts'
import type { Target } from './linked-statements.ts'
import type { ModuleStatement, PythonModule } from './modules.ts'
import type { PythonProject } from './project.ts'
import { resolveChain } from './resolution.ts'
import { argumentsOf, decoratorsOf, fieldOf, nameChain, textOf, undecorated, walk } from './syntax.ts'
import type { SyntaxNode } from './syntax.ts'

/** A function that is registered under a name, for some backend or for all. */
export interface OperatorImplementation extends Target {
  /** `ns::name`, or the bare name where the namespace is said elsewhere. */
  readonly key: string
  /** As written: `cuda`, `default`, `cutile`; null where nothing is said. */
  readonly backend: string | null
  /** The decorator or call that registers it. */
  readonly registration: SyntaxNode
  /** The module that the registration stands in. */
  readonly registeredIn: PythonModule
  /** Whether it only stands for what others are registered for: its body does nothing but fail. */
  readonly isStub: boolean
}

/** Functions by the name they are registered under, without its namespace. */
export type OperatorIndex = ReadonlyMap<string, readonly OperatorImplementation[]>

const INDEXES = new WeakMap<PythonProject, OperatorIndex>()

/**
 * Everything that the Python of a repository registers by name: `@register_kernel("ns::op", "cuda")`, `@register_impl("op",
 * backend="cutile")`, `library.impl("op", fn, "CUDA")`, `direct_register_custom_op(op_name="op", op_func=fn)`. Searched once.
 */
export function operatorImplementations(project: PythonProject): OperatorIndex {
  const index = INDEXES.get(project) ?? indexImplementations(project)
  INDEXES.set(project, index)
  return index
}

/** `op` of `ns::op` and of `ns::op.overload`. */
export function bareName(key: string): string {
  return (key.split('::').at(-1) ?? key).split('.')[0] ?? key
}

// A quick look that spares parsing most of a repository.
const MENTION = /@[\w.]*(?:register|impl|dispatch|custom_op|triton_op)|\.impl\(|\bop_func\s*=/

function indexImplementations(project: PythonProject): OperatorIndex {
  const index = new Map<string, OperatorImplementation[]>()
  for (const path of project.paths) {
    const module = MENTION.test(project.files.get(path) ?? '') ? project.module(path) : null
    for (const statement of module?.statements ?? []) {
      if (module === null) continue
      for (const found of [...decorated(project, module, statement), ...called(project, module, statement)]) {
        const name = bareName(found.key)
        index.set(name, [...(index.get(name) ?? []), found])
      }
    }
  }
  return index
}

const REGISTERS = /register|impl|dispatch|custom_op|triton_op/i
// What these register computes no values.
const REGISTERS_ELSE = /fake|meta|abstract|autograd|vmap|parametrize|shape|context|schema|hook|model|pytree|fixture/i

function decorated(project: PythonProject, module: PythonModule, statement: ModuleStatement): OperatorImplementation[] {
  if (undecorated(statement.node).type !== 'function_definition') return []
  return decoratorsOf(statement.node).flatMap((decorator): OperatorImplementation[] => {
    const callee = decorator.type === 'call' ? fieldOf(decorator, 'function') : null
    const name = callee === null ? null : (nameChain(module.file, callee)?.at(-1) ?? null)
    if (name === null || !REGISTERS.test(name) || REGISTERS_ELSE.test(name)) return []
    const { positional, keywords } = argumentsOf(module.file, decorator)
    const texts = positional.map((argument) => textValue(project, module, argument))
    const key = texts.find((text) => text !== null) ?? textValue(project, module, keywords.get('name'))
    if (key === null) return []
    const named = ['backend', 'device', 'device_types'].map((word) => textValue(project, module, keywords.get(word)))
    const backend = [...texts.slice(texts.indexOf(key) + 1), ...named].find((text) => text !== null) ?? null
    const registration = { registration: decorator, registeredIn: module }
    return [{ module, statement, key, backend, ...registration, isStub: isStub(module, statement.node) }]
  })
}

function called(project: PythonProject, module: PythonModule, statement: ModuleStatement): OperatorImplementation[] {
  const text = textOf(module.file, statement.node)
  if (!text.includes('.impl(') && !text.includes('op_func')) return []
  return [...walk(statement.node)].flatMap((call): OperatorImplementation[] => {
    const callee = call.type === 'call' ? fieldOf(call, 'function') : null
    if (callee === null) return []
    const { positional, keywords } = argumentsOf(module.file, call)
    const isImpl = callee.type === 'attribute' && textOf(module.file, fieldOf(callee, 'attribute') ?? callee) === 'impl'
    const [first, second, third] = isImpl ? positional : []
    const key = textValue(project, module, first ?? keywords.get('op_name'))
    const target = functionOf(project, module, second ?? keywords.get('op_func'))
    if (key === null || target === null) return []
    const backend = textValue(project, module, third ?? keywords.get('dispatch_key'))
    return [{ ...target, key, backend, registration: call, registeredIn: module, isStub: false }]
  })
}

function textValue(project: PythonProject, module: PythonModule, node: SyntaxNode | undefined): string | null {
  const value = node === undefined ? null : evaluate({ project, module, locals: new Map() }, node)
  return value?.kind === 'text' ? value.value : null
}

function functionOf(project: PythonProject, module: PythonModule, node: SyntaxNode | undefined): Target | null {
  const parts = node === undefined ? null : nameChain(module.file, node)
  const meaning = parts === null ? null : resolveChain(project, module, parts)
  const statement = meaning?.kind === 'definition' ? meaning.module.definitions.get(meaning.name)?.[0] : undefined
  return meaning?.kind === 'definition' && statement !== undefined ? { module: meaning.module, statement } : null
}

// A docstring aside, `raise NotImplementedError(...)`, `...` or `pass`.
function isStub({ file }: PythonModule, node: SyntaxNode): boolean {
  const body = fieldOf(undecorated(node), 'body')?.children ?? []
  const rest = body.filter((child) => child.children[0]?.type !== 'string')
  return rest.every(({ type, children }) => STUBS.has(type) || children[0]?.type === 'ellipsis') && !file.hasError
}

const STUBS = new Set(['raise_statement', 'pass_statement'])
