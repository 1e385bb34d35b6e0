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
import { SIZES, inputLayouts } from './input-layouts.ts'
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

/** One way to make a module and call it. */
interface Way {
  readonly arguments: readonly string[]
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
    const texts = values.map((value) => literalText(value) ?? 'None')
    const layouts = inputLayouts(scope.project, found.constructor, localsOf(scope, found, values), found.inputs)
    return [...(inputs === null ? [] : [inputs]), ...layouts].map((each) => ({ arguments: texts, inputs: each }))
  })
  const needsInputs = found.inputs.some(({ kind, default: value }) => kind === 'positional' && value === null)
  return needsInputs ? ways.filter(({ inputs }) => inputs.length > 0).slice(0, MAX_WAYS) : []
}

const MAX_SEEN = 2
const MAX_WAYS = 12

// As positional arguments: those that come after a gap have their defaults.
function inOrder(
  { constructor }: ModuleClass,
  positional: readonly Value[],
  keywords: ReadonlyMap<string, Value>,
): Value[] | null {
  const { parameters, isForeign } = constructor
  if (isForeign) return keywords.size === 0 ? [...positional] : null
  const values: Value[] = [...positional]
  const rest = parameters.slice(positional.length).filter(({ kind }) => kind === 'positional')
  const last = rest.findLastIndex(({ name, default: value }) => keywords.has(name) || value === null)
  for (const { name, default: value } of rest.slice(0, last + 1)) {
    const given = keywords.get(name) ?? (value === null ? null : plainDefault(value.type, value, constructor.module))
    if (given === null) return null
    values.push(given)
  }
  const hidden = [...keywords.keys()].some((name) => !rest.some((parameter) => parameter.name === name))
  return hidden || positional.length > parameters.length ? null : values
}

function plainDefault(type: string, node: Parameters<typeof evaluate>[1], module: PythonModule): Value | null {
  const text = module.file.text.slice(node.start, node.end)
  if (type === 'none') return { kind: 'none' }
  if (type === 'true' || type === 'false') return { kind: 'boolean', value: type === 'true' }
  const number = /^-?\d[\d_.e+-]*$/.test(text) ? Number(text.replaceAll('_', '')) : Number.NaN
  return Number.isNaN(number) ? null : { kind: 'number', value: number, isFloat: /[.e]/.test(text), text }
}

function namedValues({ constructor }: ModuleClass): Value[] | string {
  if (constructor.isForeign) return 'it has the constructor of a layer of PyTorch'
  const values: Value[] = []
  for (const parameter of constructor.parameters) {
    if (parameter.default !== null || !/^(?:positional|keyword_only)$/.test(parameter.kind)) continue
    if (parameter.kind === 'keyword_only') return `${parameter.name} is given by its name alone`
    const text = namedValue(parameter)
    if (text === null) return `what ${parameter.name} is cannot be told`
    values.push(textValue(text))
  }
  return values
}

function textValue(text: string): Value {
  if (text === 'True') return { kind: 'boolean', value: true }
  return { kind: 'number', value: Number(text), isFloat: /[.e]/.test(text), text }
}

// What the body of the constructor knows of its parameters.
function localsOf(
  { project }: PairingScope,
  { constructor }: ModuleClass,
  values: readonly Value[],
): Map<string, Value | null> {
  const { module, parameters } = constructor
  return new Map(
    parameters.map(({ name, default: value }, at) => {
      const given = values[at]
      if (given !== undefined) return [name, given]
      return [name, value === null ? null : evaluate({ project, module, locals: new Map() }, value)]
    }),
  )
}

// Dropout and the statistics of a batch belong to training: a task is what a model computes when it is used.
const TRAINS = /[Dd]rop|BatchNorm|InstanceNorm|self\.training/

function programOf({ name }: ModuleClass, text: ProgramText, { arguments: values, inputs }: Way): ModuleProgram {
  const sizes = Object.entries(SIZES).filter(([size]) => inputs.some((each) => new RegExp(`\\b${size}\\b`).test(each)))
  const constants = sizes.map(([size, [small]]) => `${size} = ${small}`)
  const usesDevice = /\bdevice\b/.test(text.head.replaceAll(/\.\s*device\b|\bdevice\s*=(?!=)/g, ''))
  const [imports, definitions] = [text.head.slice(0, text.importsEnd), text.head.slice(text.importsEnd)]
  const evaluates = TRAINS.test(text.head)
  const blocks = [
    ...(usesDevice ? [`${imports}\n\ndevice = "cuda"${definitions}`] : [text.head]),
    ...(constants.length > 0 ? [constants.join('\n')] : []),
    evaluates ? EVALUATING.replace('NAME', name) : `class Model(${name}):\n    pass`,
    `def get_inputs():\n    return [${inputs.join(', ')}]`,
    `def get_init_inputs():\n    return [${values.join(', ')}]`,
  ]
  const axes = (at: 0 | 1): Record<string, string> => Object.fromEntries(sizes.map(([size, pair]) => [size, pair[at]]))
  return {
    reference: `${blocks.join('\n\n\n')}\n`,
    workloads: sizes.length === 0 ? [{}] : [axes(0), axes(1)],
  }
}

const EVALUATING = `class Model(NAME):
    def __init__(self, *args):
        super().__init__(*args)
        self.eval()`
