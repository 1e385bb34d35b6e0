import { cmakeDefinitions } from './build-definitions.ts'
import { findFunctions } from '../languages/c-functions.ts'
import { blankText } from '../languages/c-text.ts'
import { operatorRegistrations } from '../languages/operator-registrations.ts'
import type { OperatorRegistration } from '../languages/operator-registrations.ts'
import { inlineHeaders } from '../python/header-inlining.ts'
import { GENERATED_FOLDER } from '../python/native-extensions.ts'

const OVERLAYS = new WeakMap<ReadonlyMap<string, string>, ReadonlyMap<string, string>>()

/** The files of a repository with those that `operatorLibraries` makes; the same map for the same files. */
export function withOperatorLibraries(files: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const known = OVERLAYS.get(files)
  if (known !== undefined) return known
  const made = operatorLibraries(files)
  const all = made.size === 0 ? files : new Map([...files, ...made])
  OVERLAYS.set(files, all)
  return all
}

/**
 * Files that build the operators of a repository one CUDA source at a time: for each source that defines functions which are registered
 * (`TORCH_LIBRARY`, wherever that stands), a source that includes it and registers them, and a Python module that loads it. The
 * library that the repository's own build makes of all of them together is not needed for one operator.
 */
export function operatorLibraries(files: ReadonlyMap<string, string>): Map<string, string> {
  const found = new Map<string, string>()
  const definitions = cmakeDefinitions(files)
  const bySource = Map.groupBy(definedOperators(files), ({ path }) => path)
  for (const [path, operators] of bySource) {
    const stem = path.replace(/\.cu$/, '').replaceAll(/\W+/g, '_')
    const name = `operators_${stem}`
    const registrations = operators.map(({ registration }) => registration)
    found.set(`${GENERATED_FOLDER}/${name}.cu`, sourceText(path, registrations))
    found.set(`${GENERATED_FOLDER}/${name}.py`, loadText(name, definedFor(files, path, definitions)))
  }
  return found
}

function keyOf({ namespace, overload }: OperatorRegistration): string {
  return `${namespace}::${overload}`
}

interface DefinedOperator {
  readonly path: string
  readonly registration: OperatorRegistration
}

// Code for another vendor's machines may stand in files of the same name; the compiler's own functions tell.
const OTHER_VENDOR = /__builtin_amdgcn_|\b__musa_/

// A function that several sources define, or an operator of several functions, is one of several builds: which is meant cannot be told.
function definedOperators(files: ReadonlyMap<string, string>): DefinedOperator[] {
  const native = [...files].filter(([path]) => /\.(?:cu|cpp|cc|cxx)$/.test(path))
  const registrations = operatorRegistrations(native.map(([, text]) => text))
  if (registrations.length === 0) return []
  const wanted = new Set(registrations.map(({ symbol }) => lastName(symbol)))
  const places = new Map<string, Set<string>>()
  for (const [path, text] of native) {
    if (!path.endsWith('.cu') || OTHER_VENDOR.test(text)) continue
    for (const { name } of findFunctions(blankText(text).singleBranch)) {
      const last = lastName(name)
      if (wanted.has(last)) places.set(last, (places.get(last) ?? new Set()).add(path))
    }
  }
  const defined = registrations.flatMap((registration) => {
    const [path, ...others] = places.get(lastName(registration.symbol)) ?? []
    return path === undefined || others.length > 0 ? [] : [{ path, registration }]
  })
  const byOperator = Map.groupBy(defined, ({ registration }) => keyOf(registration))
  const functionsOf = (members: readonly DefinedOperator[]): Set<string> =>
    new Set(members.map(({ registration }) => registration.symbol))
  return [...byOperator.values()].flatMap((members) => (functionsOf(members).size === 1 ? members.slice(0, 1) : []))
}

function lastName(symbol: string): string {
  return symbol.split('::').at(-1) ?? symbol
}

function sourceText(path: string, operators: readonly OperatorRegistration[]): string {
  const blocks = Map.groupBy(operators, ({ namespace, isStable }) => `${isStable ? 'STABLE_' : ''} ${namespace}`)
  const headers = new Set(
    operators.map(({ isStable }) => (isStable ? 'torch/csrc/stable/library.h' : 'torch/library.h')),
  )
  const includes = [...headers].map((header) => `#include <${header}>\n`).join('')
  const texts = [...blocks].map(([key, members]) => {
    const [prefix = '', namespace = ''] = key.split(' ')
    return blockText(prefix, namespace, members)
  })
  return `#include "${path}"\n\n${includes}${texts.join('')}`
}

// A fragment, so that other sources may register more in the same namespace.
function blockText(prefix: string, namespace: string, operators: readonly OperatorRegistration[]): string {
  const [made, declared] = [true, false].map((isMade) => operators.filter(({ schema }) => (schema === null) === isMade))
  const definitions = [
    ...(made ?? []).map(({ overload, implementation }) => `  m.def("${overload}", ${implementation});\n`),
    ...(declared ?? []).map(({ schema }) => `  m.def(${schema});\n`),
  ]
  const implementations = (declared ?? []).map(
    ({ overload, implementation }) => `  m.impl("${overload}", ${implementation});\n`,
  )
  const fragment = `\n${prefix}TORCH_LIBRARY_FRAGMENT(${namespace}, m) {\n${definitions.join('')}}\n`
  if (implementations.length === 0) return fragment
  return `${fragment}\n${prefix}TORCH_LIBRARY_IMPL(${namespace}, CUDA, m) {\n${implementations.join('')}}\n`
}

// What PyTorch's extensions forbid, and a build of one's own does not; `USE_CUDA` is what the stable interface asks for.
const FLAGS = [
  '-DUSE_CUDA',
  '-U__CUDA_NO_HALF_OPERATORS__',
  '-U__CUDA_NO_HALF_CONVERSIONS__',
  '-U__CUDA_NO_HALF2_OPERATORS__',
  '-U__CUDA_NO_BFLOAT16_CONVERSIONS__',
  '--expt-relaxed-constexpr',
  '--expt-extended-lambda',
]

// Of what the project's build defines, what the source asks for.
function definedFor(
  files: ReadonlyMap<string, string>,
  path: string,
  definitions: ReadonlyMap<string, string>,
): string[] {
  if (definitions.size === 0) return []
  const texts = inlineHeaders(files, [path]).sources.map(({ text }) => text)
  const conditions = texts.flatMap((text) => text.match(/^[ \t]*#[ \t]*(?:el)?if[^\n]*$/gm) ?? []).join('\n')
  return [...definitions].flatMap(([macro, flag]) => (new RegExp(`\\b${macro}\\b`).test(conditions) ? [flag] : []))
}

function loadText(name: string, defined: readonly string[]): string {
  const flags = `extra_cuda_cflags=${JSON.stringify([...FLAGS, ...defined])}`
  const sources = `sources=["${GENERATED_FOLDER}/${name}.cu"]`
  return `from torch.utils.cpp_extension import load\n\n${name} = load(name="${name}", ${sources}, ${flags}, is_python_module=False)\n`
}
