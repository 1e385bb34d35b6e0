import { posix } from 'node:path'
import { assignedValue } from './assignments.ts'
import { evaluate } from './evaluation.ts'
import type { PythonModule } from './modules.ts'
import type { PythonProject } from './project.ts'
import { resolveChain } from './resolution.ts'
import { argumentsOf, fieldOf, nameChain, textOf } from './syntax.ts'
import type { SyntaxNode } from './syntax.ts'

/**
 * The path inside the repository that an expression over `__file__` means, or null: `Path(__file__).parent / "csrc" / "x.cu"`,
 * `os.path.join(os.path.dirname(__file__), "x.cu")`, names that stand for such, `str(...)` around them.
 */
export function pathValue(project: PythonProject, module: PythonModule, node: SyntaxNode, depth = 0): string | null {
  if (depth > MAX_DEPTH) return null
  const inner = (child: SyntaxNode | null | undefined): string | null =>
    child === null || child === undefined ? null : pathValue(project, module, child, depth + 1)
  if (node.type === 'parenthesized_expression') return inner(node.children[0])
  if (node.type === 'identifier') return named(project, module, node, depth)
  if (node.type === 'binary_operator') return joined(inner(fieldOf(node, 'left')), inner(fieldOf(node, 'right')))
  if (node.type === 'attribute') return attribute(module, node, inner(fieldOf(node, 'object')))
  if (node.type === 'subscript')
    return parents(project, module, node, inner(fieldOf(fieldOf(node, 'value') ?? node, 'object')))
  if (node.type === 'call') return called(project, module, node, inner)
  const value = evaluate({ project, module, locals: new Map() }, node)
  return value?.kind === 'text' ? value.value : null
}

const MAX_DEPTH = 30

function named(project: PythonProject, module: PythonModule, node: SyntaxNode, depth: number): string | null {
  const name = textOf(module.file, node)
  if (name === '__file__') return module.path
  const meaning = resolveChain(project, module, [name])
  if (meaning.kind !== 'definition') return null
  const target = meaning.module
  let found: string | null = null
  for (const { node: statement } of target.definitions.get(meaning.name) ?? []) {
    assignedValue(target.file, statement, meaning.name, (value) => {
      found = pathValue(project, target, value, depth + 1)
      return null
    })
  }
  return found
}

function joined(left: string | null, right: string | null): string | null {
  return left === null || right === null || posix.isAbsolute(right) ? null : posix.join(left, right)
}

function attribute(module: PythonModule, node: SyntaxNode, object: string | null): string | null {
  const name = fieldOf(node, 'attribute')
  return object !== null && name !== null && textOf(module.file, name) === 'parent' ? posix.dirname(object) : null
}

// `path.parents[1]`
function parents(project: PythonProject, module: PythonModule, node: SyntaxNode, object: string | null): string | null {
  const [value, key] = [fieldOf(node, 'value'), fieldOf(node, 'subscript')]
  const name = value?.type === 'attribute' ? fieldOf(value, 'attribute') : null
  const count = key === null ? null : evaluate({ project, module, locals: new Map() }, key)
  if (object === null || name === null || textOf(module.file, name) !== 'parents' || count?.kind !== 'number')
    return null
  let path = object
  for (let up = 0; up <= count.value; up += 1) path = posix.dirname(path)
  return path
}

const SAME = new Set([
  'str',
  'pathlib.Path',
  'pathlib.PurePath',
  'os.path.abspath',
  'os.path.realpath',
  'os.path.normpath',
  'os.fspath',
])

function called(
  project: PythonProject,
  module: PythonModule,
  node: SyntaxNode,
  inner: (child: SyntaxNode | null | undefined) => string | null,
): string | null {
  const callee = fieldOf(node, 'function')
  const { positional } = argumentsOf(module.file, node)
  const parts = callee === null ? null : nameChain(module.file, callee)
  const meaning = parts === null ? null : resolveChain(project, module, parts)
  const name = meaning?.kind === 'external' ? meaning.dotted.join('.') : (parts?.join('.') ?? '')
  if (SAME.has(name)) return inner(positional[0])
  if (name === 'os.path.dirname') return up(inner(positional[0]))
  if (name === 'os.path.join') return positional.map(inner).reduce(joined)
  // `path.resolve()`, `path.absolute()`, `path.as_posix()`, `path.joinpath("x")`
  const method = callee?.type === 'attribute' ? fieldOf(callee, 'attribute') : null
  const object = callee?.type === 'attribute' ? inner(fieldOf(callee, 'object')) : null
  if (method === null || object === null) return null
  const called = textOf(module.file, method)
  if (['resolve', 'absolute', 'as_posix', 'expanduser'].includes(called)) return object
  return called === 'joinpath' ? [object, ...positional.map(inner)].reduce(joined) : null
}

function up(path: string | null): string | null {
  return path === null ? null : posix.dirname(path)
}
