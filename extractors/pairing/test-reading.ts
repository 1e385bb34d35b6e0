import { isImport } from '../python/imports.ts'
import { isForAll, moduleInside, withoutImports } from '../python/local-imports.ts'
import type { ModuleStatement, PythonModule } from '../python/modules.ts'
import { mainBlock } from '../python/modules.ts'
import { boundNames, localNames, targetNames } from '../python/names.ts'
import { loadsExtension } from '../python/native-extensions.ts'
import type { PythonProject } from '../python/project.ts'
import { argumentsOf, fieldOf, parametersOf, textOf } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { comparisonsIn } from './comparisons.ts'
import { holdsComparison } from './comparison-search.ts'
import { comparingFunctionOf, functionBehind } from './comparing-functions.ts'
import type { ComparingFunction } from './comparing-functions.ts'
import { LEAVING, isSkipCall, lastAssigned, leavesAtOnce, scriptStatements } from './test-statements.ts'
import { repeatsSteps } from './repeated-loops.ts'
import { pairwiseLists, withoutConversions } from './pairwise-values.ts'
import { separateCalls } from './separate-calls.ts'
import { bindDefaults, isComplete } from './test-bindings.ts'
import { bindFixtures, parameterOf } from './test-fixtures.ts'
import { isSkipped, loopAxis, parametrizedAxes } from './test-axes.ts'
import { variable } from './test-code.ts'
import type { Code, Frame, FrameAxis, Guard, Step, TestCode, TestComparison, Variable } from './test-code.ts'

/** A function that may be a test, with the class around it. */
export interface TestFunction {
  readonly module: PythonModule
  readonly name: string
  readonly definition: SyntaxNode
  readonly outer: SyntaxNode
  readonly classNode: SyntaxNode | null
  readonly statement: ModuleStatement
}

/** Reads a test function as straight-line code. */
export function readTestFunction(project: PythonProject, test: TestFunction): TestCode {
  const { module, definition, outer, classNode } = test
  const reader = openReader(project)
  const frame = reader.newFrame(module, definition)
  const scope = { project, module, locals: new Map() }
  const around = classNode === null ? [] : parametrizedAxes(scope, classNode)
  const parameters = [...around, ...parametrizedAxes(scope, outer)]
  const given = new Set(parameters.flatMap(({ names }) => names))
  bindDefaults(reader, frame, definition, given)
  const computed = bindFixtures(reader, { frame, definition, classNode, given })
  const axes = parameters.map(({ names, rows }) => {
    const own = names.map((name) => (computed.has(name) ? parameterOf(name) : name))
    return { frame, axis: { names: own, rows } }
  })
  const body = fieldOf(definition, 'body')
  if (body !== null) readBlock(reader, body, { frame, guards: [], contexts: [], depth: 0, classNode })
  return {
    module,
    name: test.name,
    line: module.file.lineOf(definition.start),
    statement: test.statement,
    ...reader.result(),
    axes: [...axes, ...reader.axes],
    isSkipMarked: isSkipped(scope, outer),
  }
}

/** Reads the main block of a script, or null where there is none. */
export function readMainBlock(project: PythonProject, module: PythonModule): TestCode | null {
  const block = mainBlock(module)
  if (block === null) return null
  const reader = openReader(project)
  const inside = moduleInside(module, block)
  const frame = reader.frameOf(inside, withoutImports(boundNames(module.file, block), inside))
  readBlock(reader, block, { frame, guards: [], contexts: [], depth: 0, classNode: null })
  const line = module.file.lineOf(block.start)
  return { module, name: '__main__', line, statement: null, ...reader.result(), axes: reader.axes, isSkipMarked: false }
}

/** Reads the statements of a script that runs when it is imported, or null where none of them compares. */
export function readScript(project: PythonProject, module: PythonModule): TestCode | null {
  // What it builds from sources is a definition like its functions: both sides may need it, and it is no input.
  const statements = scriptStatements(module.file.root).filter((node) => !loadsExtension(project, module, node))
  if (!statements.some((node) => holdsComparison(project, module, node))) return null
  const reader = openReader(project)
  const names = statements.flatMap((node) => [...boundNames(module.file, node)])
  const frame = reader.frameOf(module, new Set(names))
  const block = { ...module.file.root, children: statements }
  readBlock(reader, block, { frame, guards: [], contexts: [], depth: 0, classNode: null })
  return {
    module,
    name: module.dotted,
    line: 1,
    statement: null,
    ...reader.result(),
    axes: reader.axes,
    isSkipMarked: false,
  }
}

const MAX_STEPS = 600
const MAX_DEPTH = 3

interface Reader {
  readonly project: PythonProject
  readonly steps: Step[]
  readonly comparisons: TestComparison[]
  readonly axes: FrameAxis[]
  readonly skips: Guard[]
  readonly aliases: Map<Variable, Variable>
  frameOf(module: PythonModule, locals: ReadonlySet<string>): Frame
  newFrame(module: PythonModule, definition: SyntaxNode): Frame
  result(): Pick<TestCode, 'steps' | 'comparisons' | 'skips' | 'aliases'>
}

interface Place {
  readonly frame: Frame
  readonly guards: readonly Guard[]
  readonly contexts: readonly Code[]
  readonly depth: number
  readonly classNode: SyntaxNode | null
}

function openReader(project: PythonProject): Reader {
  let count = 0
  const [steps, comparisons, axes, skips]: [Step[], TestComparison[], FrameAxis[], Guard[]] = [[], [], [], []]
  const aliases = new Map<Variable, Variable>()
  const frameOf = (module: PythonModule, locals: ReadonlySet<string>): Frame => ({ id: count++, module, locals })
  return {
    project,
    steps,
    comparisons,
    axes,
    skips,
    aliases,
    frameOf,
    newFrame: (module, definition) => {
      const inside = moduleInside(module, fieldOf(definition, 'body') ?? definition)
      return frameOf(inside, withoutImports(localNames(module.file, definition), inside))
    },
    result: () => ({ steps, comparisons, skips, aliases }),
  }
}

// Returns false where nothing after the statement is reached.
function readBlock(reader: Reader, block: SyntaxNode, place: Place): boolean {
  return block.children.every((statement) => reader.steps.length < MAX_STEPS && readStatement(reader, statement, place))
}

function readStatement(reader: Reader, node: SyntaxNode, place: Place): boolean {
  if (LEAVING.has(node.type)) return false
  if (isImport(node) && isForAll(place.frame, node)) return true
  if (isImport(node) || !BLOCKS.has(node.type)) return readSimple(reader, node, place)
  if (node.type === 'if_statement') return readIf(reader, node, place)
  // A block may hold the calls of both sides: as one step it could not be told which of them it belongs to.
  if (node.type === 'with_statement') return readWith(reader, node, place)
  if (!holdsComparison(reader.project, place.frame.module, node)) {
    return repeatsSteps(reader.steps, place.frame, node) || addStep(reader, node, place)
  }
  if (node.type === 'for_statement') return readFor(reader, node, place)
  if (node.type === 'try_statement') {
    const body = fieldOf(node, 'body')
    return body === null || readBlock(reader, body, place)
  }
  return addStep(reader, node, place)
}

const BLOCKS = new Set(['if_statement', 'with_statement', 'for_statement', 'try_statement', 'while_statement'])

function addStep(reader: Reader, node: SyntaxNode, { frame, guards, contexts }: Place): true {
  reader.steps.push({ frame, node, binds: null, guards, contexts })
  return true
}

function addBinding(reader: Reader, name: string, frame: Frame, value: Code, place: Place): void {
  const { guards, contexts } = place
  if (value.node.type === 'identifier') {
    const other = textOf(value.frame.module.file, value.node)
    if (value.frame.locals.has(other)) {
      reader.aliases.set(variable(frame, name), variable(value.frame, other))
      return
    }
  }
  reader.steps.push({ ...value, binds: `${frame.id}:${name}`, guards, contexts })
}

function readSimple(reader: Reader, node: SyntaxNode, place: Place): boolean {
  const { frame, guards, depth } = place
  const { file } = frame.module
  const found = comparisonsIn(file, node, (name) => lastAssigned(reader.steps, frame, name))
  for (const { left, right, node: call, form, atol, rtol } of found) {
    const code = (inner: SyntaxNode): Code => ({
      frame,
      node: functionBehind(reader.project, frame, place.classNode, inner),
    })
    reader.comparisons.push({
      position: reader.steps.length,
      left: code(left),
      right: code(right),
      call: code(call),
      form,
      atol: atol === null ? null : code(atol),
      rtol: rtol === null ? null : code(rtol),
      guards,
      depth,
    })
  }
  if (found.length === 0 && depth < MAX_DEPTH && readComparingCall(reader, node, place)) return true
  // `assert torch.allclose(...)` holds no value; `ok = torch.allclose(...)` does.
  if (found.length > 0 && node.children[0]?.type !== 'assignment') return true
  if (node.type === 'assert_statement') return true
  if (isSkipCall(file, node)) return false
  const parts = separateCalls(file, node)
  for (const [name, value] of parts) addBinding(reader, name, frame, { frame, node: value }, place)
  return parts.length > 0 || addStep(reader, node, place)
}

// `if ...: pytest.skip()` says when the test does not run; a block with comparisons is opened; any other is one step.
function readIf(reader: Reader, node: SyntaxNode, place: Place): boolean {
  const condition = fieldOf(node, 'condition')
  const consequence = fieldOf(node, 'consequence')
  const otherwise = node.children.filter(({ type }) => type === 'else_clause' || type === 'elif_clause')
  if (condition === null || consequence === null) return addStep(reader, node, place)
  const code: Code = { frame: place.frame, node: condition }
  if (otherwise.length === 0 && leavesAtOnce(place.frame.module.file, consequence)) {
    if (reader.comparisons.length === 0) reader.skips.push({ condition: code, holds: true })
    return true
  }
  if (!holdsComparison(reader.project, place.frame.module, node)) return addStep(reader, node, place)
  const isFirstReached = readBlock(reader, consequence, {
    ...place,
    guards: [...place.guards, { condition: code, holds: true }],
  })
  const [only, ...more] = otherwise
  const body = only?.type === 'else_clause' && more.length === 0 ? fieldOf(only, 'body') : null
  if (body !== null) readBlock(reader, body, { ...place, guards: [...place.guards, { condition: code, holds: false }] })
  return isFirstReached || otherwise.length > 0 || true
}

function readWith(reader: Reader, node: SyntaxNode, place: Place): boolean {
  const body = fieldOf(node, 'body')
  const clause = node.children.find(({ type }) => type === 'with_clause')
  const items = (clause?.children ?? []).map((item): Code => ({ frame: place.frame, node: item }))
  return body === null || readBlock(reader, body, { ...place, contexts: [...place.contexts, ...items] })
}

function readFor(reader: Reader, node: SyntaxNode, place: Place): boolean {
  const { frame } = place
  const body = fieldOf(node, 'body')
  if (body === null || readPairwise(reader, node, body, place)) return true
  const axis = loopAxis({ project: reader.project, module: frame.module, locals: new Map() }, node)
  const left = fieldOf(node, 'left')
  if (axis !== null) reader.axes.push({ frame, axis })
  else if (left !== null) reader.axes.push({ frame, axis: { names: targetNames(frame.module.file, left), rows: null } })
  readBlock(reader, body, place)
  return true
}

function readPairwise(reader: Reader, node: SyntaxNode, body: SyntaxNode, place: Place): boolean {
  const lists = pairwiseLists(place.frame.module.file, node)
  for (const [name, list] of lists ?? [])
    addBinding(reader, name, place.frame, { frame: place.frame, node: list }, place)
  if (lists === null) return false
  const before = reader.comparisons.length
  readBlock(reader, body, place)
  reader.comparisons.push(...reader.comparisons.splice(before).map(withoutConversions))
  return true
}

function readComparingCall(reader: Reader, node: SyntaxNode, place: Place): boolean {
  const call = ['expression_statement', 'assert_statement'].includes(node.type) ? node.children[0] : undefined
  const helper = call?.type === 'call' ? comparingFunctionOf(reader.project, call, place.frame, place.classNode) : null
  if (call === undefined || helper === null) return false
  const frame = reader.newFrame(helper.module, helper.definition)
  if (!bindArguments(reader, frame, helper, call, place)) return false
  const body = fieldOf(helper.definition, 'body')
  if (body !== null) readBlock(reader, body, { ...place, frame, depth: place.depth + 1 })
  return true
}

function bindArguments(
  reader: Reader,
  frame: Frame,
  helper: ComparingFunction,
  call: SyntaxNode,
  place: Place,
): boolean {
  const { positional, keywords } = argumentsOf(place.frame.module.file, call)
  if (positional.some(({ type }) => type.endsWith('_splat'))) return false
  const parameters = parametersOf(helper.module.file, helper.definition).slice(helper.isMethod ? 1 : 0)
  if (!isComplete(parameters, positional.length, keywords)) return false
  const given = new Set<string>()
  parameters.forEach(({ name, kind }, at) => {
    const value = keywords.get(name) ?? (kind === 'positional' ? positional[at] : undefined)
    if (value === undefined) return
    given.add(name)
    addBinding(reader, name, frame, { frame: place.frame, node: value }, place)
  })
  bindDefaults(reader, frame, helper.definition, given)
  return true
}
