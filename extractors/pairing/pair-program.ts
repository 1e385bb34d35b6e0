import type { CollectClosure } from '../python/closure.ts'
import type { Piece, Problem } from '../python/links.ts'
import { literalText } from '../python/values.ts'
import type { SourcePiece } from '../types.ts'
import { editsOf } from './code-edits.ts'
import type { Spelling } from './code-edits.ts'
import { classText, indent } from './class-text.ts'
import type { ClassShape, SideCodes } from './class-text.ts'
import { deviceName } from './devices.ts'
import { original } from './copied-names.ts'
import { moduleAttributes } from './module-attributes.ts'
import { programConstants } from './program-constants.ts'
import { stepAt } from './program-plan.ts'
import type { PlanRefusal, PlanScope, ProgramPlan, SidePlan } from './program-plan.ts'
import { programText } from './program-text.ts'
import type { PlacedCode, ProgramFile, ProgramText } from './program-text.ts'
import { canonical } from './step-effects.ts'
import type { Code, Variable } from './test-code.ts'
import { unboundInputs } from './unbound-inputs.ts'
import { variableNames } from './variable-names.ts'

/** The two files of a pair. */
export interface PairProgram {
  readonly reference: ProgramSide
  readonly candidate: ProgramSide
  /** Module-level constants of the reference, by the variable whose values they take. */
  readonly constants: ReadonlyMap<Variable, string>
}

export interface ProgramSide {
  readonly text: string
  readonly pieces: readonly SourcePiece[]
  readonly requires: readonly string[]
}

/** Everything the text of a pair is made from. */
export interface ProgramRequest {
  readonly scope: PlanScope
  readonly plan: ProgramPlan
  readonly collect: CollectClosure
  /** The same for the reference, where names of the device mean its own. */
  readonly collectReference: CollectClosure
  /** Replacements in the code of the kernel's side that a method decided. */
  readonly kernelEdits: (code: Code) => PlacedCode['edits']
  /** What those replacements name, by the marks that stand for it. */
  readonly kernelSymbols: ReadonlyMap<string, Piece>
}

/** Writes the reference and the candidate of a plan, or says what a file lacks. */
export function pairProgram(request: ProgramRequest): PairProgram | Problem | PlanRefusal {
  const { scope, plan } = request
  const names = variableNames(scope, plan)
  const symbols = symbolMarks(scope)
  const spellings = spellingsOf(request, names, symbols.texts)
  const constants = programConstants(scope, plan, names)
  const reserved = new Set([...names.values(), 'Model', 'ModelNew', 'get_inputs', 'get_init_inputs', 'device', 'self'])
  const build = (
    codes: SideCodes,
    own: Pick<ProgramFile, 'collect' | 'fixedName'>,
    kernelSymbols: ReadonlyMap<string, Piece>,
  ): ProgramText | Problem =>
    programText({
      ...own,
      project: scope.project,
      codes: allCodes(codes),
      symbols: new Map([...symbols.pieces, ...kernelSymbols].filter(([mark]) => isMarked(codes, mark))),
      reserved,
    })
  const reference = codesOf(request, plan.reference, spellings, () => [], names)
  const kernel = {
    ...codesOf(request, plan.kernel, spellings, request.kernelEdits, names),
    inputs: [],
    configuration: [],
  }
  const referenceText = build(reference, { collect: request.collectReference, fixedName: deviceName }, new Map())
  const candidateText = build(kernel, { collect: request.collect, fixedName: () => null }, request.kernelSymbols)
  if ('reason' in referenceText) return referenceText
  if ('reason' in candidateText) return candidateText
  if (referenceText.kernelCode !== null) return { reason: 'reference_is_kernel', detail: referenceText.kernelCode }
  const usesDevice = [referenceText, candidateText].some((text, at) => needsDevice(text, at === 0 ? reference : kernel))
  const parameters = [...plan.configuration.map((name) => names.get(name) ?? name), ...(usesDevice ? ['device'] : [])]
  const inputs = plan.inputs.map((name) => names.get(name) ?? name)
  const inputName = (variable: Variable): string => names.get(variable) ?? variable
  const shape: ClassShape = { parameters, inputs, inputName, optional: plan.optional }
  const referenceClass = classText('Model', referenceText, reference, plan.reference, shape)
  const changed = [...constants].flatMap(([variable, constant]) => {
    const name = names.get(variable) ?? constant
    return name === constant ? [] : [{ name, constant }]
  })
  const functions = functionsText(referenceText, reference, inputs, parameters, changed)
  const isEarly = readsDeviceAtOnce(referenceText.head.slice(referenceText.importsEnd))
  const constantLines = constantText(
    scope,
    constants,
    [referenceText.head, ...referenceClass, ...functions].join('\n'),
    usesDevice,
  )
  const blocks = [...referenceClass, ...functions]
  return {
    reference: isEarly
      ? toSide(withEarlyDevice(referenceText), [withoutDevice(constantLines), ...blocks])
      : toSide(referenceText, [constantLines, ...blocks]),
    candidate: toSide(candidateText, classText('ModelNew', candidateText, kernel, plan.kernel, shape)),
    constants,
  }
}

function isMarked(codes: SideCodes, mark: string): boolean {
  return allCodes(codes).some(({ edits }) => edits.some(({ text }) => text.includes(mark)))
}

function allCodes({ inputs, configuration, init, forward, outputs }: SideCodes): PlacedCode[] {
  return [...inputs, ...configuration, ...init, ...forward, ...outputs]
}

interface Spellings {
  readonly inputs: Spelling
  readonly init: (side: SidePlan) => Spelling
  readonly forward: (side: SidePlan) => Spelling
}

type Names = ReadonlyMap<Variable, string>

// Variables that stand for a class or function are written as what they stand for, which may be named only later.
function symbolMarks({ known }: PlanScope): { texts: Map<Variable, string>; pieces: Map<string, Piece> } {
  const texts = new Map<Variable, string>()
  const pieces = new Map<string, Piece>()
  for (const [name, value] of known) {
    if (value.kind !== 'symbol' || literalText(value) !== null) continue
    const mark = `__symbol_${pieces.size}__`
    texts.set(name, mark)
    pieces.set(mark, { module: value.module, node: value.node, isLocal: () => false, skip: [] })
  }
  return { texts, pieces }
}

function spellingsOf({ scope, plan }: ProgramRequest, names: Names, symbols: ReadonlyMap<Variable, string>): Spellings {
  const { project, test, identities } = scope
  const base = { project, test, identities, absent: new Set<Variable>() }
  const devices = (text: string): [Variable, string][] => [...plan.devices].map((name) => [name, text])
  const moduleNames = (side: SidePlan): ReadonlyMap<Variable, string> => moduleAttributes(plan, side)
  return {
    inputs: {
      ...base,
      variables: new Map([...names, ...symbols, ...devices('device')]),
      device: 'device',
      isConstructor: false,
    },
    init: (side) => ({
      ...base,
      variables: new Map([...names, ...symbols, ...devices('device'), ...moduleNames(side)]),
      device: 'device',
      isConstructor: true,
      absent: new Set([...scope.modules.keys()].filter((name) => !side.modules.includes(name))),
    }),
    forward: (side) => {
      const configured = plan.configuration.map((name): [Variable, string] => [name, `self.${names.get(name) ?? name}`])
      // What the side chooses itself, `op = fused if fits else plain`, goes by the name that it is given.
      const chosen = new Set(side.forwardSteps.flatMap((at) => [...(scope.effects[at]?.defines ?? [])]))
      const given = [...symbols].filter(([name]) => !chosen.has(name))
      const own = new Map([...names, ...given, ...configured, ...devices('self.device'), ...moduleNames(side)])
      const copies = [...side.copies.keys()].map((name): [Variable, string] => {
        const of = original(side.copies, name)
        return [name, own.get(of) ?? of]
      })
      return { ...base, variables: new Map([...own, ...copies]), device: 'self.device', isConstructor: false }
    },
  }
}

function codesOf(
  { scope, plan }: ProgramRequest,
  side: SidePlan,
  spellings: Spellings,
  moreEdits: (code: Code) => PlacedCode['edits'],
  names: Names,
): SideCodes {
  const placed = (code: Code, spelling: Spelling, assignTo: string | null): PlacedCode => ({
    code,
    edits: [...moreEdits(code), ...editsOf(code, spelling)],
    assignTo,
  })
  const steps = (positions: readonly number[], spelling: Spelling): PlacedCode[] =>
    positions.map((at) => {
      const step = stepAt(scope.test, at)
      const bound = step.binds === null ? null : canonical(scope.test, step.binds)
      return placed(
        step,
        spelling,
        bound === null ? null : (spelling.variables.get(bound) ?? names.get(bound) ?? bound),
      )
    })
  const forward = spellings.forward(side)
  const isDevice = (at: number): boolean =>
    [...(scope.effects[at]?.defines ?? [])].some((name) => plan.devices.has(name))
  const withoutDevices = (positions: readonly number[]): number[] => positions.filter((at) => !isDevice(at))
  return {
    inputs: steps(withoutDevices(plan.inputSteps), spellings.inputs),
    configuration: steps(withoutDevices(plan.configurationSteps), spellings.inputs),
    init: steps(withoutDevices(side.initSteps), spellings.init(side)),
    forward: steps(withoutDevices(side.forwardSteps), forward),
    outputs: side.outputs.map((output) => placed(output, forward, null)),
  }
}

function constantText(
  scope: PlanScope,
  constants: ReadonlyMap<Variable, string>,
  body: string,
  usesDevice: boolean,
): string {
  const lines = [...constants].map(([name, text]) => {
    const value = scope.parameters.get(name)
    return `${text} = ${(value === undefined ? null : literalText(value)) ?? 'None'}`
  })
  const device = usesDevice || /\bdevice\b/.test(deviceMentions(body)) ? [DEVICE] : []
  return [...lines, ...device].join('\n')
}

const DEVICE = 'device = "cuda"'

// Defaults of parameters and statements at the top are read while the file is, everything else later.
function readsDeviceAtOnce(definitions: string): boolean {
  const heads = definitions.match(/^[ \t]*(?:async )?def \w+\([^]*?\)\s*(?:->[^:\n]+)?:$/gm) ?? []
  const atTop = definitions
    .split('\n')
    .filter((line) => /^\w/.test(line) && !/^(?:def|class|async|import|from)\b/.test(line))
  return (
    heads.some((head) => /=\s*device\b/.test(head)) || atTop.some((line) => /\bdevice\b/.test(deviceMentions(line)))
  )
}

function withEarlyDevice(text: ProgramText): ProgramText {
  const { head, importsEnd } = text
  return { ...text, head: `${head.slice(0, importsEnd)}\n\n${DEVICE}${head.slice(importsEnd)}` }
}

function withoutDevice(constants: string): string {
  return constants.replace(new RegExp(`\\n?${DEVICE}$`), '')
}

function needsDevice(text: ProgramText, { init, forward, outputs }: SideCodes): boolean {
  return [...init, ...forward, ...outputs].some((placed) => /\bdevice\b/.test(deviceMentions(text.render(placed))))
}

// `x.device` is a fact about a tensor; only the bare name and `self.device` mean ours.
function deviceMentions(text: string): string {
  return text.replaceAll('self.device', 'device').replaceAll(/\.\s*device\b|\bdevice\s*=(?!=)/g, '')
}

function functionsText(
  text: ProgramText,
  codes: SideCodes,
  inputs: readonly string[],
  parameters: readonly string[],
  changed: readonly { readonly name: string; readonly constant: string }[],
): string[] {
  const functionText = (name: string, steps: readonly PlacedCode[], values: readonly string[]): string => {
    const blocks = steps.map((placed) => text.render(placed))
    const lines = [...blocks, `return [${values.join(', ')}]`]
    const used = changed.filter((one) => lines.some((line) => new RegExp(`\\b${one.name}\\b`).test(line)))
    const starts = used.map((one) => `${one.name} = ${one.constant}`)
    const unbound = unboundInputs(blocks, values).filter((value) => !used.some((one) => one.name === value))
    const absent = unbound.map((value) => `${value} = None`)
    return [`def ${name}():`, ...[...starts, ...absent, ...lines].map((line) => indent(line))].join('\n')
  }
  return [
    functionText('get_inputs', codes.inputs, inputs),
    functionText('get_init_inputs', codes.configuration, parameters),
  ]
}

function toSide(text: ProgramText, blocks: readonly string[]): ProgramSide {
  const body = [text.head, ...blocks].filter((block) => block !== '').join('\n\n\n')
  return { text: `${body}\n`, pieces: text.pieces, requires: text.requires }
}
