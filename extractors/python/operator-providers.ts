import { blankText, matchingBracket } from '../languages/c-text.ts'
import type { ModuleStatement, PythonModule } from './modules.ts'
import { extensionLoads } from './native-extensions.ts'
import type { PythonProject } from './project.ts'
import { resolveChain } from './resolution.ts'
import { argumentsOf, decoratorsOf, fieldOf, nameChain } from './syntax.ts'
import { evaluate } from './evaluation.ts'

/** A statement that must run before an operator exists. */
export interface OperatorProvider {
  readonly module: PythonModule
  readonly statement: ModuleStatement
}

/**
 * Finds the statements that `torch.ops.<namespace>.<name>` depends on: loads of libraries whose sources register it, and functions
 * that `torch.library` makes operators of. The repository is searched once, when the first operator is asked for.
 */
export function operatorProviders(project: PythonProject): (dotted: readonly string[]) => readonly OperatorProvider[] {
  let index: Map<string, OperatorProvider[]> | undefined
  return (dotted) => {
    const [torch, ops, namespace, name] = dotted
    if (torch !== 'torch' || ops !== 'ops' || namespace === undefined || name === undefined) return []
    index ??= indexOperators(project)
    return index.get(`${namespace}::${name}`) ?? []
  }
}

/** The operators, as `namespace::name`, that C++ or CUDA text registers. */
export function registeredOperators(text: string): string[] {
  if (!text.includes('TORCH_LIBRARY')) return []
  const { code } = blankText(text)
  return [...code.matchAll(/\b(?:STABLE_)?TORCH_LIBRARY(?:_IMPL|_FRAGMENT)?\s*\(\s*(\w+)/g)].flatMap((match) => {
    const open = code.indexOf('{', match.index)
    const close = open === -1 ? null : matchingBracket(code, open)
    const block = text.slice(open, close ?? open)
    return [...block.matchAll(/\.\s*(?:def|impl)\s*\(\s*(?:torch::schema\s*\(\s*)?"(?:\w+::)?(\w+)/g)].map(
      ([, name]) => `${match[1]}::${name}`,
    )
  })
}

function indexOperators(project: PythonProject): Map<string, OperatorProvider[]> {
  const index = new Map<string, OperatorProvider[]>()
  for (const path of project.paths) {
    const text = project.files.get(path) ?? ''
    if (!text.includes('cpp_extension') && !text.includes('custom_op') && !text.includes('triton_op')) continue
    const module = project.module(path)
    if (module !== null) addOperators(project, module, index)
  }
  return index
}

function addOperators(project: PythonProject, module: PythonModule, index: Map<string, OperatorProvider[]>): void {
  for (const statement of module.statements) {
    const loaded = extensionLoads(project, module, statement).flatMap(({ sources }) =>
      sources.flatMap((source) => registeredOperators(project.files.get(source) ?? '')),
    )
    for (const name of new Set([...loaded, ...pythonOperators(project, module, statement)])) {
      index.set(name, [...(index.get(name) ?? []), { module, statement }])
    }
  }
}

// `@torch.library.custom_op("ns::name", ...)`, `@torch.library.triton_op("ns::name", ...)`
function pythonOperators(project: PythonProject, module: PythonModule, { node }: ModuleStatement): string[] {
  return decoratorsOf(node).flatMap((decorator) => {
    const callee = decorator.type === 'call' ? fieldOf(decorator, 'function') : null
    const parts = callee === null ? null : nameChain(module.file, callee)
    const meaning = parts === null ? null : resolveChain(project, module, parts)
    if (meaning?.kind !== 'external' || !/^torch\.library\.(?:custom_op|triton_op)$/.test(meaning.dotted.join('.')))
      return []
    const [first] = argumentsOf(module.file, decorator).positional
    const name = first === undefined ? null : evaluate({ project, module, locals: new Map() }, first)
    return name?.kind === 'text' ? [name.value] : []
  })
}
