import { findJitFunctions } from '../languages/triton-jit.ts'
import { allImports } from '../python/imports.ts'
import { boundNames } from '../python/names.ts'
import { freeReferences } from '../python/references.ts'
import { isStandardModule } from '../python/standard-library.ts'
import { argumentsOf, fieldOf, nameChain, parsePython, textOf, walk } from '../python/syntax.ts'
import type { PythonFile, SyntaxNode } from '../python/syntax.ts'

/** What an implementation in Python says of itself. */
export interface PythonCode {
  readonly language: 'triton' | 'cuda' | 'cpp' | 'torch'
  /** Names of classes, functions and values defined at the top level. */
  readonly definitions: ReadonlySet<string>
  /** Names that imports bind, at any depth. */
  readonly imported: ReadonlySet<string>
  /** Names that it uses and nothing in it gives a value. Builtins are among them. */
  readonly missing: ReadonlySet<string>
  /** Top-level names of the modules it imports that do not come with Python, sorted. */
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
  const imported = new Set(imports.map(({ local }) => local))
  const bound = boundNames(file, file.root)
  const used = freeReferences(file, file.root).map(({ name }) => name)
  const modules = imports.flatMap(({ level, module }) => (level === 0 ? (module.split('.')[0] ?? []) : []))
  return {
    language: languageOf(file),
    definitions: new Set([...bound].filter((name) => !imported.has(name))),
    imported,
    missing: new Set(used.filter((name) => !bound.has(name))),
    modules: [...new Set(modules)].filter((name) => !isStandardModule(name)).toSorted(),
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
