import { posix } from 'node:path'
import type { Rewrite } from './linked-statements.ts'
import { blankText } from '../languages/c-text.ts'
import { inlineHeaders } from './header-inlining.ts'
import type { Problem } from './links.ts'
import type { ModuleStatement, PythonModule } from './modules.ts'
import { pathValue } from './path-values.ts'
import type { PythonProject } from './project.ts'
import { resolveChain } from './resolution.ts'
import { argumentsOf, fieldOf, nameChain, textOf, walk } from './syntax.ts'
import type { SyntaxNode } from './syntax.ts'
import { literalText, quoted } from './values.ts'
import { evaluate } from './evaluation.ts'

/** Where sources and loads stand that were made of a repository's files and are none of them; nothing is said to come from there. */
export const GENERATED_FOLDER = '<operators>'

/** A call of `torch.utils.cpp_extension.load` with the files it compiles. */
export interface ExtensionLoad {
  readonly call: SyntaxNode
  readonly sources: readonly string[]
}

/** The extensions a statement loads; a load whose sources cannot be told has none. */
export function extensionLoads(
  project: PythonProject,
  module: PythonModule,
  statement: ModuleStatement,
): ExtensionLoad[] {
  if (!module.file.text.includes('cpp_extension')) return []
  return [...walk(statement.node)]
    .filter((node) => node.type === 'call' && isLoad(project, module, node))
    .map((call) => ({ call, sources: sourcesOf(project, module, call) }))
}

/** Whether a node is a statement at the top of a module that loads an extension. */
export function loadsExtension(project: PythonProject, module: PythonModule, node: SyntaxNode): boolean {
  const statement = module.statements.find((each) => each.node === node)
  return statement !== undefined && extensionLoads(project, module, statement).length > 0
}

/**
 * Turns every `load(name=..., sources=[files])` of a statement into `load_inline` with the text of the files in it, local headers
 * included. Sources that the repository does not hold are a problem, and so are headers, which only who builds the text must have.
 */
export function inlineExtensions(
  project: PythonProject,
  module: PythonModule,
  statement: ModuleStatement,
  checksHeaders: boolean,
): readonly Rewrite[] | Problem {
  const rewrites: Rewrite[] = []
  for (const { call, sources } of extensionLoads(project, module, statement)) {
    const missing = sources.find((path) => !project.files.has(path))
    if (sources.length === 0 || missing !== undefined) {
      const detail =
        missing === undefined ? `sources of the load in ${module.path}` : `${missing} is not in the repository`
      return { reason: 'native_build', detail }
    }
    const header = checksHeaders ? missingHeader(project, sources) : null
    if (header !== null) return { reason: 'native_build', detail: `${header} is in no file of the repository` }
    const settings = keptSettings(project, module, call)
    if ('reason' in settings) return settings
    rewrites.push(toRewrite(project, call, sources, settings.lines))
  }
  return rewrites
}

// What every machine has that builds extensions of PyTorch; `name.h` without a folder may be one of the system's.
const PROVIDED =
  /^<(?:(?:torch|ATen|c10|caffe2|pybind11|cub|thrust|cuda|cccl|cooperative_groups|curand|nv|nvtx3|sys|crt|bits|ext|experimental)\/.*|[\w.-]+)>$|^"(?:(?:torch|ATen|c10|pybind11|cub|thrust)\/.*|(?:cu|mma|device_|vector_|math|std|assert|float)\w*\.h)"$/

/** The first header that sources ask for whatever they are built for, and that neither the repository nor PyTorch holds. */
function missingHeader(project: PythonProject, sources: readonly string[]): string | null {
  const texts = inlineHeaders(project.files, sources).sources.map(({ text }) => text)
  return texts.flatMap((text) => unconditionalIncludes(text)).find((header) => !PROVIDED.test(header)) ?? null
}

// Inside `#ifndef` counts: it guards headers, or leaves out the build for another vendor.
function unconditionalIncludes(text: string): string[] {
  const open: boolean[] = []
  return blankText(text).directives.flatMap(({ name, argument }) => {
    if (name.startsWith('if')) open.push(name === 'ifndef')
    else if (name.startsWith('el')) open[open.length - 1] = false
    else if (name === 'endif') open.pop()
    const header = name === 'include' ? /^(?:<[^>\n]+>|"[^"\n]+")/.exec(argument)?.[0] : undefined
    return header === undefined || open.includes(false) ? [] : [header]
  })
}

function isLoad(project: PythonProject, module: PythonModule, call: SyntaxNode): boolean {
  const callee = fieldOf(call, 'function')
  const parts = callee === null ? null : nameChain(module.file, callee)
  const meaning = parts === null ? null : resolveChain(project, module, parts)
  return meaning?.kind === 'external' && meaning.dotted.join('.') === 'torch.utils.cpp_extension.load'
}

function sourcesOf(project: PythonProject, module: PythonModule, call: SyntaxNode): string[] {
  const { positional, keywords } = argumentsOf(module.file, call)
  const list = keywords.get('sources') ?? positional[1]
  if (list === undefined) return []
  const items = list.type === 'list' || list.type === 'tuple' ? list.children : [list]
  const paths = items.map((item) => pathValue(project, module, item))
  return paths.includes(null) ? [] : paths.filter((path) => path !== null).map((path) => placeOf(project, module, path))
}

// A script that is run where it stands names what lies beside it.
function placeOf({ files }: PythonProject, { path: from }: PythonModule, path: string): string {
  const [inRoot, beside] = [posix.normalize(path), posix.join(posix.dirname(from), path)]
  return !files.has(inRoot) && files.has(beside) ? beside : inRoot
}

// What says how to compile is kept; where to build, what to print and where to look for headers that are inlined now is not.
const DROPPED = new Set([
  'sources',
  'build_directory',
  'verbose',
  'keep_intermediates',
  'extra_include_paths',
  'is_standalone',
])

function keptSettings(project: PythonProject, module: PythonModule, call: SyntaxNode): { lines: string[] } | Problem {
  const { positional, keywords } = argumentsOf(module.file, call)
  const all = new Map(keywords)
  if (positional[0] !== undefined) all.set('name', positional[0])
  const lines: string[] = []
  for (const [name, node] of all) {
    if (DROPPED.has(name)) continue
    const value = evaluate({ project, module, locals: new Map() }, node)
    const text = value === null ? null : literalText(value)
    if (text === null)
      return { reason: 'native_build', detail: `${name} = ${textOf(module.file, node)} in ${module.path}` }
    lines.push(`${name}=${text}`)
  }
  return { lines: lines.toSorted((a, b) => Number(b.startsWith('name=')) - Number(a.startsWith('name='))) }
}

function toRewrite(
  project: PythonProject,
  call: SyntaxNode,
  sources: readonly string[],
  settings: readonly string[],
): Rewrite {
  const inlined = inlineHeaders(project.files, sources)
  const texts = (isWanted: (path: string) => boolean): string =>
    inlined.sources
      .filter(({ path }) => isWanted(path))
      .map(({ text }) => `        ${pythonText(text)},\n`)
      .join('')
  const isCuda = (path: string): boolean => path.endsWith('.cu')
  const lines = [
    ...settings,
    `cpp_sources=[\n${texts((path) => !isCuda(path))}    ]`,
    ...(sources.some(isCuda) ? [`cuda_sources=[\n${texts(isCuda)}    ]`] : []),
    'no_implicit_headers=True',
  ]
  const { start, end } = call
  return {
    start,
    end,
    text: `\n${lines.map((line) => `    ${line},\n`).join('')}`,
    needs: 'load_inline',
    piece: null,
    sources: inlined.used,
  }
}

// A raw string shows the code as it is; text that a raw string cannot hold is escaped.
function pythonText(text: string): string {
  const isRaw = !text.includes('"""') && !/["\\]$/.test(text)
  return isRaw ? `r"""${text}"""` : quoted(text)
}
