import { setImmediate } from 'node:timers/promises'
import { evaluate } from '../python/evaluation.ts'
import type { PythonModule } from '../python/modules.ts'
import { literalText } from '../python/values.ts'
import type { Value } from '../python/values.ts'
import { pairingSettings } from '../pairing/pairing-options.ts'
import { programText } from '../pairing/program-text.ts'
import type { ProgramText } from '../pairing/program-text.ts'
import { findDefect } from '../pairing/self-check.ts'
import { openPairing } from '../pairing/test-pairing.ts'
import type { PairingScope } from '../pairing/test-pairing.ts'
import type { PairingInput, SourcePiece } from '../types.ts'
import { namedValue } from './constructor-values.ts'
import { SIZES, WORKLOADS, inputLayouts } from './input-layouts.ts'
import { moduleClasses } from './module-classes.ts'
import type { ModuleClass } from './module-classes.ts'
import type { ModuleOptions } from './options.ts'
import { seenCalls } from './seen-calls.ts'
import type { SeenCalls } from './seen-calls.ts'

/** A module of a repository that may become a task, with ways to call it, the likeliest first. Which of them works is found out by running. */
export interface ModuleProposal {
  readonly name: string
  readonly path: string
  readonly line: number
  /** The head of the class, on one line. */
  readonly expression: string
  readonly pieces: readonly SourcePiece[]
  readonly requires: readonly string[]
  readonly programs: readonly ModuleProgram[]
}

/** A whole program in KernelBench form, and the sizes that may be set in it. */
export interface ModuleProgram {
  readonly reference: string
  readonly workloads: readonly Readonly<Record<string, string>>[]
}

/** Why a module is no task. */
export interface RefusedModule {
  readonly name: string
  readonly path: string
  readonly reason: string
  readonly detail: string | null
}

/** Finds the `torch.nn.Module`s of a repository that can be cut out, in order of path and place. */
export async function* findModules(
  input: PairingInput,
  options: ModuleOptions,
): AsyncGenerator<{ readonly proposal: ModuleProposal } | { readonly refusal: RefusedModule }> {
  const { max_closure_lines, allowed_modules } = options
  const common = { max_closure_lines, allowed_modules, replace: {}, lookups: {}, max_workloads: 1, identities: [] }
  const scope = await openPairing(input, pairingSettings(common))
  const { project } = scope
  const calls = seenCalls(project)
  for (const path of project.paths) {
    const module = /\bdef forward\b/.test(project.files.get(path) ?? '') ? project.module(path) : null
    for (const found of module === null ? [] : moduleClasses(project, module)) {
      yield await proposalOf(scope, calls, found)
    }
    // Signals get their turn.
    if (module !== null) await setImmediate()
  }
}

async function proposalOf(
  scope: PairingScope,
  calls: SeenCalls,
  found: ModuleClass,
): Promise<{ proposal: ModuleProposal } | { refusal: RefusedModule }> {
  const { module, name, statement } = found
  const { path, file } = module
  const refuse = (reason: string, detail: string | null): { refusal: RefusedModule } => ({
    refusal: { name, path, reason, detail },
  })
  const piece = { module, node: found.nameNode, isLocal: () => false, skip: [] }
  const [kernel] = scope.reach([piece])
  if (kernel !== undefined) return refuse('kernel_inside', `it launches ${kernel.symbol}`)
  const needed = found.inputs.filter(({ kind, default: value }) => kind === 'keyword_only' && value === null)
  if (needed.length > 0) return refuse('unknown_inputs', `${needed[0]?.name} is given by its name alone`)
  const text = programText({
    project: scope.project,
    collect: scope.collectReference,
    codes: [],
    symbols: new Map([['__module__', piece]]),
    fixedName: () => null,
    reserved: new Set(['Model', 'get_inputs', 'get_init_inputs', 'device', ...Object.keys(SIZES)]),
  })
  if ('reason' in text) return refuse(text.reason, text.detail)
  const ways = waysToCall(scope, calls, found)
  if (typeof ways === 'string') return refuse('constructor_arguments', ways)
  const programs = ways.map((way) => programOf(found, text, way))
  const [first] = programs
  if (first === undefined) return refuse('unknown_inputs', 'it takes nothing')
  const defect = await findDefect(first.reference, [name, 'Model', 'get_inputs', 'get_init_inputs'])
  if (defect !== null) return refuse('invalid_result', defect)
  const { pieces, requires } = text
  const line = file.lineOf(statement.node.start)
  return { proposal: { name, path, line, expression: headOf(module, found), pieces, requires, programs } }
}

function headOf({ file }: PythonModule, { nameNode }: ModuleClass): string {
  return `class ${file.text.slice(nameNode.start, file.text.indexOf('\n', nameNode.start)).trim()}`
}

/** An argument of a constructor; those that are given by name come last. */
interface Given {
  readonly name: string
  readonly value: Value
  readonly isKeyword: boolean
}

/** One way to make a module and call it. */
interface Way {
  readonly arguments: readonly Given[]
  readonly inputs: readonly string[]
}

// What the repository itself does comes first; then what names suggest.
function waysToCall(scope: PairingScope, calls: SeenCalls, found: ModuleClass): Way[] | string {
  const seen = calls(found)
    .flatMap((call) => {
      const values = inOrder(found, call.positional, call.keywords)
      return values === null ? [] : [{ values, inputs: call.inputs }]
    })
    .toSorted((a, b) => Number(b.inputs !== null) - Number(a.inputs !== null))
    .slice(0, MAX_SEEN)
  const named = namedValues(found)
  const all = [...seen, ...(typeof named === 'string' ? [] : [{ values: named, inputs: null }])]
  if (all.length === 0) return typeof named === 'string' ? named : 'nothing says what it is made with'
  const ways = all.flatMap(({ values, inputs }): Way[] => {
    const layouts = inputLayouts(scope.project, found.constructor, localsOf(scope, found, values), found.inputs)
    return [...(inputs === null ? [] : [inputs]), ...layouts].map((each) => ({ arguments: values, inputs: each }))
  })
  const needsInputs = found.inputs.some(({ kind, default: value }) => kind === 'positional' && value === null)
  return needsInputs ? ways.filter(({ inputs }) => inputs.length > 0).slice(0, MAX_WAYS) : []
}

const MAX_SEEN = 2
const MAX_WAYS = 12

// Those that come after a gap have their defaults.
function inOrder(
  { constructor }: ModuleClass,
  positional: readonly Value[],
  keywords: ReadonlyMap<string, Value>,
): Given[] | null {
  const { parameters, isForeign } = constructor
  const plain = isForeign
    ? positional.map((_, at) => ({ name: `argument_${at}`, default: null }))
    : parameters.filter(({ kind }) => kind === 'positional')
  const last = plain.findLastIndex(
    ({ name, default: value }, at) => at < positional.length || keywords.has(name) || value === null,
  )
  const given: Given[] = []
  for (const [at, { name, default: value }] of plain.slice(0, last + 1).entries()) {
    const own = positional[at] ?? keywords.get(name) ?? null
    const known = own ?? (value === null ? null : plainDefault(value.type, value, constructor.module))
    if (known === null) return null
    given.push({ name, value: known, isKeyword: false })
  }
  for (const { name, kind, default: value } of parameters) {
    const own = kind === 'keyword_only' ? (keywords.get(name) ?? null) : null
    if (own !== null) given.push({ name, value: own, isKeyword: true })
    else if (kind === 'keyword_only' && value === null) return null
  }
  const isTold = [...keywords.keys()].every((name) => given.some((one) => one.name === name))
  return isTold && positional.length <= plain.length ? given : null
}

function plainDefault(type: string, node: Parameters<typeof evaluate>[1], module: PythonModule): Value | null {
  const text = module.file.text.slice(node.start, node.end)
  if (type === 'none') return { kind: 'none' }
  if (type === 'true' || type === 'false') return { kind: 'boolean', value: type === 'true' }
  const number = /^-?\d[\d_.e+-]*$/.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN
  return Number.isNaN(number) ? null : { kind: 'number', value: number, isFloat: /[.e]/.test(text), text }
}

function namedValues({ constructor }: ModuleClass): Given[] | string {
  if (constructor.isForeign) return 'it has the constructor of a layer of PyTorch'
  const given: Given[] = []
  for (const parameter of constructor.parameters) {
    if (parameter.default !== null || !/^(?:positional|keyword_only)$/.test(parameter.kind)) continue
    const text = namedValue(parameter)
    if (text === null) return `what ${parameter.name} is cannot be told`
    given.push({ name: parameter.name, value: textValue(text), isKeyword: parameter.kind === 'keyword_only' })
  }
  return given
}

function textValue(text: string): Value {
  if (text === 'True') return { kind: 'boolean', value: true }
  return { kind: 'number', value: Number(text), isFloat: /[.e]/.test(text), text }
}

// What the body of the constructor knows of its parameters.
function localsOf(
  { project }: PairingScope,
  { constructor }: ModuleClass,
  values: readonly Given[],
): Map<string, Value | null> {
  const { module, parameters } = constructor
  return new Map(
    parameters.map(({ name, default: value }) => {
      const given = values.find((one) => one.name === name)
      if (given !== undefined) return [name, given.value]
      return [name, value === null ? null : evaluate({ project, module, locals: new Map() }, value)]
    }),
  )
}

// Dropout and the statistics of a batch belong to training: a task is what a model computes when it is used.
const TRAINS = /[Dd]rop|BatchNorm|InstanceNorm|self\.training/

function programOf({ name }: ModuleClass, text: ProgramText, { arguments: values, inputs }: Way): ModuleProgram {
  const sizes = Object.entries(SIZES).filter(([size]) => inputs.some((each) => new RegExp(`\\b${size}\\b`).test(each)))
  const constants = sizes.map(([size, [first]]) => `${size} = ${first}`)
  const usesDevice = /\bdevice\b/.test(text.head.replaceAll(/\.\s*device\b|\bdevice\s*=(?!=)/g, ''))
  const [imports, definitions] = [text.head.slice(0, text.importsEnd), text.head.slice(text.importsEnd)]
  const evaluates = TRAINS.test(text.head)
  const blocks = [
    ...(usesDevice ? [`${imports}\n\ndevice = "cuda"${definitions}`] : [text.head]),
    ...(constants.length > 0 ? [constants.join('\n')] : []),
    classText(name, values, evaluates),
    `def get_inputs():\n    return [${inputs.join(', ')}]`,
    `def get_init_inputs():\n    return [${values.map(({ value }) => literalText(value) ?? 'None').join(', ')}]`,
  ]
  const axes = WORKLOADS.map((at) => Object.fromEntries(sizes.map(([size, all]) => [size, all[at]])))
  return {
    reference: `${blocks.join('\n\n\n')}\n`,
    workloads: sizes.length === 0 ? [{}] : axes,
  }
}

function classText(name: string, values: readonly Given[], evaluates: boolean): string {
  if (!evaluates && values.every(({ isKeyword }) => !isKeyword)) return `class Model(${name}):\n    pass`
  const parameters = ['self', ...values.map((given) => given.name)].join(', ')
  const given = values.map((one) => (one.isKeyword ? `${one.name}=${one.name}` : one.name)).join(', ')
  const lines = [`super().__init__(${given})`, ...(evaluates ? ['self.eval()'] : [])]
  return [`class Model(${name}):`, `    def __init__(${parameters}):`, ...lines.map((line) => `        ${line}`)].join(
    '\n',
  )
}
