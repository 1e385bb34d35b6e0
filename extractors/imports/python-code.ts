import { findJitFunctions } from '../languages/triton-jit.ts'
import { allImports } from '../python/imports.ts'
import { argumentsOf, fieldOf, nameChain, parsePython, textOf, undecorated, walk } from '../python/syntax.ts'
import type { PythonFile, SyntaxNode } from '../python/syntax.ts'

/** What an implementation in Python says of itself. */
export interface PythonCode {
  readonly language: 'triton' | 'cuda' | 'cpp' | 'torch'
  /** Names of classes, functions and values defined at the top level. */
  readonly definitions: ReadonlySet<string>
  /** Names that imports bind, at any depth. */
  readonly imported: ReadonlySet<string>
  /** Names that it uses and binds nowhere, neither at the top level nor inside. Builtins are among them. */
  readonly missing: ReadonlySet<string>
  /** Top-level names of the modules it imports, sorted. */
  readonly modules: readonly string[]
  /** Whether the text is not valid Python. */
  readonly hasError: boolean
}

/** Reads Python text; null where it is too large or too deeply nested to be parsed. Errors in it are left to who runs it. */
export async function readPythonCode(text: string): Promise<PythonCode | null> {
  if (text.length > MAX_CHARACTERS) return null
  const { file } = await parsePython('candidate.py', text)
  if (file === null) return null
  const imports = allImports(file)
  const modules = imports.filter(({ level, module }) => level === 0 && module !== '').map(({ module }) => module)
  return {
    language: languageOf(file),
    definitions: new Set(file.root.children.flatMap((node) => definedNames(file, node))),
    imported: new Set(imports.map(({ local }) => local)),
    missing: missingNames(file),
    modules: [...new Set(modules.map((module) => module.split('.')[0] ?? module))].toSorted(),
    hasError: file.hasError,
  }
}

// Far above any implementation by hand or by model; parsing takes two seconds here.
const MAX_CHARACTERS = 1_000_000

function languageOf(file: PythonFile): PythonCode['language'] {
  if (findJitFunctions(file).length > 0) return 'triton'
  const inline = inlineNames(file)
  const sources = [...walk(file.root)].flatMap((node) => inlineSources(file, node, inline))
  if (sources.includes('cuda')) return 'cuda'
  return sources.includes('cpp') ? 'cpp' : 'torch'
}

// The spellings of `torch.utils.cpp_extension.load_inline` in a file.
function inlineNames(file: PythonFile): Set<string> {
  const module = 'torch.utils.cpp_extension'
  const names = new Set<string>()
  for (const imported of allImports(file)) {
    const path = imported.name === null ? imported.bound : `${imported.module}.${imported.name}`
    if (path === null) continue
    const whole = `${module}.load_inline`
    if (whole === path || whole.startsWith(`${path}.`)) names.add(imported.local + whole.slice(path.length))
  }
  return names
}

// Positions of the parameters: https://docs.pytorch.org/docs/stable/cpp_extension.html#torch.utils.cpp_extension.load_inline
function inlineSources(file: PythonFile, node: SyntaxNode, names: ReadonlySet<string>): ('cuda' | 'cpp')[] {
  if (node.type !== 'call') return []
  const callee = fieldOf(node, 'function')
  const chain = callee === null ? null : nameChain(file, callee)
  if (chain === null || !names.has(chain.join('.'))) return []
  const { positional, keywords } = argumentsOf(file, node)
  const cuda = keywords.get('cuda_sources') ?? positional[2]
  return cuda === undefined || isEmpty(file, cuda) ? ['cpp'] : ['cuda']
}

function isEmpty(file: PythonFile, node: SyntaxNode): boolean {
  return ['None', '[]', '()', '""', "''"].includes(textOf(file, node).replaceAll(/\s/g, ''))
}

function definedNames(file: PythonFile, outer: SyntaxNode): string[] {
  const node = undecorated(outer)
  if (node.type === 'class_definition' || node.type === 'function_definition') {
    const name = fieldOf(node, 'name')
    return name === null ? [] : [textOf(file, name)]
  }
  if (node.type === 'expression_statement') return node.children.flatMap((child) => assignedNames(file, child))
  // Definitions under `if`, `try` and `with` at the top level are bound all the same.
  return node.children.flatMap((child) => definedNames(file, child))
}

function assignedNames(file: PythonFile, node: SyntaxNode): string[] {
  const left = node.type === 'assignment' ? fieldOf(node, 'left') : null
  if (left === null) return []
  const names = (isName(left) ? [left] : left.children).filter(isName).map((child) => textOf(file, child))
  const right = fieldOf(node, 'right')
  return right === null ? names : [...names, ...assignedNames(file, right)]
}

function missingNames(file: PythonFile): Set<string> {
  const used = new Set<string>()
  const bound = new Set(allImports(file).map(({ local }) => local))
  for (const node of walk(file.root)) {
    for (const child of node.children.filter(isName)) {
      if (isLabel(node, child)) continue
      if (isBinding(node, child)) bound.add(textOf(file, child))
      else used.add(textOf(file, child))
    }
  }
  return new Set([...used].filter((name) => !bound.has(name)))
}

function isName(node: SyntaxNode): boolean {
  return node.type === 'identifier'
}

// Attributes, keywords of arguments and the parts of module names refer to nothing in the file.
function isLabel(parent: SyntaxNode, name: SyntaxNode): boolean {
  if (parent.type === 'dotted_name') return true
  if (parent.type === 'attribute') return name.field === 'attribute'
  return parent.type === 'keyword_argument' && name.field === 'name'
}

function isBinding(parent: SyntaxNode, name: SyntaxNode): boolean {
  return BINDING_PARENTS.has(parent.type) || BINDING_FIELDS.has(`${parent.type}.${name.field}`)
}

// Scopes are not told apart: a name bound in one function counts as bound in all of them.
const BINDING_PARENTS = new Set([
  'parameters',
  'lambda_parameters',
  'typed_parameter',
  'list_splat_pattern',
  'dictionary_splat_pattern',
  'pattern_list',
  'tuple_pattern',
  'list_pattern',
  'as_pattern_target',
])
const BINDING_FIELDS = new Set([
  'function_definition.name',
  'class_definition.name',
  'assignment.left',
  'named_expression.name',
  'for_statement.left',
  'for_in_clause.left',
  'default_parameter.name',
  'typed_default_parameter.name',
])
