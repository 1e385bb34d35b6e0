import type { ModuleStatement, PythonModule } from '../python/modules.ts'
import type { PythonProject } from '../python/project.ts'
import { resolveChain } from '../python/resolution.ts'
import { fieldOf, nameChain, parametersOf, textOf, undecorated } from '../python/syntax.ts'
import type { Parameter, SyntaxNode } from '../python/syntax.ts'

/** A class of a repository that is a `torch.nn.Module` with a forward pass of its own. */
export interface ModuleClass {
  readonly module: PythonModule
  readonly statement: ModuleStatement
  readonly name: string
  /** The name in its head: what a closure starts from. */
  readonly nameNode: SyntaxNode
  /** What `forward` is called with, `self` left out. */
  readonly inputs: readonly TypedParameter[]
  readonly constructor: ModuleConstructor
}

/** The constructor that a class has, by itself or from a class of the repository; without parameters where it has none. */
export interface ModuleConstructor {
  readonly module: PythonModule
  readonly body: SyntaxNode | null
  readonly parameters: readonly TypedParameter[]
  /** Whether it is that of a layer of PyTorch, whose parameters are not told here. */
  readonly isForeign: boolean
}

/** A parameter with its annotation as written. */
export interface TypedParameter extends Parameter {
  readonly annotation: string | null
}

/** The modules of a file, in order. */
export function moduleClasses(project: PythonProject, module: PythonModule): ModuleClass[] {
  return module.statements.flatMap((statement): ModuleClass[] => {
    const node = undecorated(statement.node)
    const nameNode = node.type === 'class_definition' ? fieldOf(node, 'name') : null
    if (nameNode === null || !isModule(project, module, node, 0)) return []
    const forward = methodOf(module, node, 'forward')
    if (forward === null) return []
    const inputs = typedParameters(module, forward).slice(1)
    const name = textOf(module.file, nameNode)
    return [{ module, statement, name, nameNode, inputs, constructor: constructorOf(project, module, node, 0) }]
  })
}

const MAX_DEPTH = 8
const ROOT = /^torch\.nn\.(?:modules\.(?:module\.)?)?Module$/
const LAYER = /^torch\.nn\.(?:[a-z]\w*\.)*[A-Z]\w*$/

type Base =
  { readonly dotted: string } | { readonly module: PythonModule; readonly node: SyntaxNode } | { readonly dotted: null }

function basesOf(project: PythonProject, module: PythonModule, node: SyntaxNode): Base[] {
  return (fieldOf(node, 'superclasses')?.children ?? []).map((base): Base => {
    const parts = nameChain(module.file, base)
    const meaning = parts === null ? null : resolveChain(project, module, parts)
    if (meaning?.kind === 'external') return { dotted: meaning.dotted.join('.') }
    if (meaning?.kind !== 'definition') return { dotted: null }
    const found = meaning.module.definitions.get(meaning.name)?.at(-1)
    const definition = found === undefined ? null : undecorated(found.node)
    return definition?.type === 'class_definition' ? { module: meaning.module, node: definition } : { dotted: null }
  })
}

function isModule(project: PythonProject, module: PythonModule, node: SyntaxNode, depth: number): boolean {
  if (depth > MAX_DEPTH) return false
  return basesOf(project, module, node).some((base) => {
    if ('node' in base) return isModule(project, base.module, base.node, depth + 1)
    return base.dotted !== null && LAYER.test(base.dotted)
  })
}

function constructorOf(
  project: PythonProject,
  module: PythonModule,
  node: SyntaxNode,
  depth: number,
): ModuleConstructor {
  const own = methodOf(module, node, '__init__')
  if (own !== null) {
    return { module, body: fieldOf(own, 'body'), parameters: typedParameters(module, own).slice(1), isForeign: false }
  }
  const bases = basesOf(project, module, node)
  const [inner] = bases.flatMap((base) => ('node' in base ? [base] : []))
  if (inner !== undefined && depth < MAX_DEPTH) return constructorOf(project, inner.module, inner.node, depth + 1)
  const isForeign = bases.some((base) => 'dotted' in base && base.dotted !== null && !ROOT.test(base.dotted))
  return { module, body: null, parameters: [], isForeign }
}

function methodOf({ file }: PythonModule, node: SyntaxNode, wanted: string): SyntaxNode | null {
  const methods = (fieldOf(node, 'body')?.children ?? []).map(undecorated)
  return (
    methods.find((member) => {
      const name = member.type === 'function_definition' ? fieldOf(member, 'name') : null
      return name !== null && textOf(file, name) === wanted
    }) ?? null
  )
}

function typedParameters({ file }: PythonModule, definition: SyntaxNode): TypedParameter[] {
  const annotations = new Map<string, string>()
  for (const node of fieldOf(definition, 'parameters')?.children ?? []) {
    const type = fieldOf(node, 'type')
    const name = fieldOf(node, 'name') ?? node.children[0]
    if (type !== null && name !== undefined) annotations.set(textOf(file, name), textOf(file, type))
  }
  return parametersOf(file, definition).map((parameter) => ({
    ...parameter,
    annotation: annotations.get(parameter.name) ?? null,
  }))
}
