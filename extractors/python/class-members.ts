import type { PythonModule } from './modules.ts'
import type { PythonProject } from './project.ts'
import { resolveChain } from './resolution.ts'
import { fieldOf, nameChain, textOf, undecorated } from './syntax.ts'
import type { SyntaxNode } from './syntax.ts'

/** A method of a class that need not be there. */
export interface ClassMember {
  readonly name: string
  readonly node: SyntaxNode
}

/** What of a class can be left out. */
export interface ClassParts {
  /** Methods that only the gradient of an autograd function needs. */
  readonly backward: readonly ClassMember[]
  /** Methods that are needed only where something names them. */
  readonly optional: readonly ClassMember[]
}

const NOTHING: ClassParts = { backward: [], optional: [] }

/**
 * The methods of a class that may be left out. Those that Python or PyTorch calls by itself always stay, and so do all methods of a
 * class whose base is neither the repository's nor a plain `nn.Module` or autograd function: its base may call anything.
 */
export function classParts(project: PythonProject, module: PythonModule, node: SyntaxNode): ClassParts {
  const definition = undecorated(node)
  const body = definition.type === 'class_definition' ? fieldOf(definition, 'body') : null
  if (body === null) return NOTHING
  const bases = baseNames(project, module, definition)
  const methods = body.children.flatMap((member): ClassMember[] => {
    const inner = undecorated(member)
    const name = inner.type === 'function_definition' ? fieldOf(inner, 'name') : null
    return name === null ? [] : [{ name: textOf(module.file, name), node: member }]
  })
  const isAutograd = bases.some((base) => base.startsWith('torch.autograd.'))
  const backward = isAutograd ? methods.filter(({ name }) => BACKWARD.has(name)) : []
  const isPlain = bases.every((base) => base === '' || PLAIN_BASES.has(base))
  const optional = isPlain
    ? methods.filter(({ name }) => isOptional(name) && !backward.some((other) => other.name === name))
    : []
  const isEmptied = [...backward, ...optional].length === body.children.length
  return isEmptied ? NOTHING : { backward, optional }
}

const BACKWARD = new Set(['backward', 'jvp', 'vjp', 'vmap'])
const PLAIN_BASES = new Set([
  'torch.nn.Module',
  'torch.nn.modules.Module',
  'torch.autograd.Function',
  'torch.autograd.function.Function',
  'object',
  'abc.ABC',
])

// What `nn.Module` and the autograd engine call.
const CALLED = new Set([
  'forward',
  'setup_context',
  'train',
  'eval',
  'to',
  'state_dict',
  'load_state_dict',
  'parameters',
  'named_parameters',
  'apply',
  'reset_parameters',
])

function isOptional(name: string): boolean {
  return !name.startsWith('_') && !CALLED.has(name) && !BACKWARD.has(name)
}

// Dotted names of bases of other packages; an empty name for one of the repository.
function baseNames(project: PythonProject, module: PythonModule, definition: SyntaxNode): string[] {
  return (fieldOf(definition, 'superclasses')?.children ?? []).map((base) => {
    const parts = nameChain(module.file, base)
    if (parts === null) return base.type
    const meaning = resolveChain(project, module, parts)
    if (meaning.kind === 'external') return meaning.dotted.join('.')
    return meaning.kind === 'unknown' ? meaning.name : ''
  })
}
