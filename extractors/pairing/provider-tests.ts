import { boundNames, localNames } from '../python/names.ts'
import type { ModuleStatement, PythonModule } from '../python/modules.ts'
import type { PythonProject } from '../python/project.ts'
import { argumentsOf, fieldOf, nameChain, parametersOf, textOf, undecorated, walk } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { benchmarkReport } from './benchmark-axes.ts'
import type { BenchmarkReport } from './benchmark-axes.ts'
import { comparedTexts, statementsFor } from './provider-branches.ts'
import type { ProviderStatement, ProviderSwitch } from './provider-branches.ts'
import { variable } from './test-code.ts'
import type { Code, Frame, Step, TestCode, Variable } from './test-code.ts'

/** Whether a file's text can hold a benchmark that switches between implementations. */
export function maySwitch(text: string): boolean {
  return text.includes('torch') && /provider|backend|\bimpl|line_arg/.test(text) && /bench/i.test(text)
}

/**
 * Reads the benchmarks of a module that run one of several implementations, chosen by a parameter: as tests that compare what each
 * implementation gives with what the one in plain PyTorch gives. Nothing in them compares; that both are measured for the same thing
 * is what the author says.
 */
export function providerTests(project: PythonProject, module: PythonModule): TestCode[] {
  return module.statements.flatMap((statement) =>
    benchmarksIn(statement.node).flatMap((outer) => testsOf(project, module, statement, outer)),
  )
}

// Functions, and those that functions make: `def make(hidden_size): @perf_report(...) def benchmark(...)`.
function benchmarksIn(node: SyntaxNode): SyntaxNode[] {
  const definition = undecorated(node)
  if (definition.type !== 'function_definition') return []
  const inner = fieldOf(definition, 'body')?.children.filter(
    (child) => undecorated(child).type === 'function_definition',
  )
  return [node, ...(inner ?? [])]
}

const PROVIDER = /^(?:provider|\w*_provider|backend|impl|implementation|kernel|mode|engine|method)$/
// What a compiler makes of PyTorch is made of kernels too.
const PLAIN = /(?:^|_)(?:py)?torch|naive|native|eager|(?:^|_)ref|reference|baseline|huggingface|^hf$|vanilla|plain/i
const COMPILED = /compile|inductor|script|jit/i

function testsOf(
  project: PythonProject,
  module: PythonModule,
  statement: ModuleStatement,
  outer: SyntaxNode,
): TestCode[] {
  const definition = undecorated(outer)
  const body = fieldOf(definition, 'body')
  const parameters = parametersOf(module.file, definition)
  const report = benchmarkReport(project, module, outer)
  const provider = report?.provider ?? parameters.find(({ name }) => PROVIDER.test(name))?.name
  if (body === null || provider === undefined) return []
  const locals = localNames(module.file, definition)
  const found: ProviderSwitch = { project, module, body, provider, locals }
  const compared = comparedTexts(found, body, provider)
  const names = report === null || report.providers.length === 0 ? compared : report.providers
  const plain = names.filter((name) => PLAIN.test(name) && !COMPILED.test(name))
  const timed = new Map(names.map((name) => [name, timedRun(found, name)]))
  const reference = plain.find((name) => timed.get(name) !== null)
  const other = reference === undefined ? null : (timed.get(reference) ?? null)
  if (other === null) return []
  return names.flatMap((name) => {
    const run = plain.includes(name) ? null : (timed.get(name) ?? null)
    return run === null ? [] : [toTest(found, { statement, definition, report }, run, other)]
  })
}

/** What is measured for one provider. */
interface TimedRun {
  readonly statements: readonly ProviderStatement[]
  /** Statements of the function that is measured, where it has more than a value. */
  readonly body: readonly SyntaxNode[]
  readonly value: SyntaxNode
  /** The call that measures. */
  readonly call: SyntaxNode
}

const MEASURES = /bench|timeit|measure|profile|^time|_time$|perf/i

function timedRun(found: ProviderSwitch, provider: string): TimedRun | null {
  const statements = statementsFor(found, provider)
  if (statements === null) return null
  for (const { node } of statements) {
    for (const call of [...walk(node)].filter(({ type }) => type === 'call')) {
      const run = measuredBy(found, provider, statements, call)
      if (run !== null) return run
    }
  }
  return null
}

function measuredBy(
  found: ProviderSwitch,
  provider: string,
  statements: readonly ProviderStatement[],
  call: SyntaxNode,
): TimedRun | null {
  const { module } = found
  const { file } = module
  const callee = fieldOf(call, 'function')
  const name = callee === null ? undefined : nameChain(file, callee)?.at(-1)
  const [given] = argumentsOf(file, call).positional
  if (name === undefined || given === undefined || !MEASURES.test(name)) return null
  const callable = given.type === 'identifier' ? callableNamed(module, statements, textOf(file, given)) : given
  if (callable?.type === 'lambda') {
    const value = fieldOf(callable, 'body')
    const takesNothing = parametersOf(file, callable).length === 0
    return value !== null && takesNothing ? { statements, body: [], value, call } : null
  }
  if (callable?.type !== 'function_definition' || parametersOf(file, callable).length > 0) return null
  // `def fn(): if provider == "torch": return ...`: the switch may stand inside of what is measured.
  const body = fieldOf(callable, 'body')
  const inner = body === null ? null : statementsFor({ ...found, body }, provider)
  const [last, ...before] = (inner ?? []).toReversed()
  const value = last?.node.type === 'return_statement' ? last.node.children[0] : undefined
  return value === undefined ? null : { statements, body: before.toReversed().map(({ node }) => node), value, call }
}

function callableNamed(
  { file }: PythonModule,
  statements: readonly ProviderStatement[],
  name: string,
): SyntaxNode | null {
  for (const { node } of statements.toReversed()) {
    if (node.type === 'function_definition') {
      const own = fieldOf(node, 'name')
      if (own !== null && textOf(file, own) === name) return node
    }
    const assignment = node.type === 'expression_statement' ? node.children[0] : undefined
    const [left, right] =
      assignment?.type === 'assignment' ? [fieldOf(assignment, 'left'), fieldOf(assignment, 'right')] : []
    if (left?.type === 'identifier' && textOf(file, left) === name) return right?.type === 'lambda' ? right : null
  }
  return null
}

interface Benchmark {
  readonly statement: ModuleStatement
  readonly definition: SyntaxNode
  readonly report: BenchmarkReport | null
}

function toTest(
  found: ProviderSwitch,
  { statement, definition, report }: Benchmark,
  run: TimedRun,
  other: TimedRun,
): TestCode {
  const { module } = found
  const { file } = module
  const own = ownNames(found, [run, other])
  const locals = new Set([...found.locals, ...own])
  const shared: Frame = { id: 0, module, locals }
  const frames: readonly Frame[] = [1, 2].map((id) => ({ id, module, locals }))
  const aliases = new Map<Variable, Variable>()
  for (const frame of frames) {
    for (const name of locals) if (!own.has(name)) aliases.set(variable(frame, name), variable(shared, name))
  }
  const steps = [...defaultSteps(module, definition, shared), ...commonSteps(found, run, own, shared)]
  const values = [run, other].map((each, at): Code => {
    const frame = frames[at] ?? shared
    steps.push(...ownSteps(found, each, own, frame))
    return { frame, node: each.value }
  })
  const [left, right] = values
  if (left === undefined || right === undefined) throw new TypeError('two providers are compared')
  const call = { frame: shared, node: run.call }
  const name = fieldOf(definition, 'name')
  return {
    module,
    name: name === null ? '' : textOf(file, name),
    line: file.lineOf(definition.start),
    statement,
    steps,
    comparisons: [
      { position: steps.length, left, right, call, form: 'switch', atol: null, rtol: null, guards: [], depth: 0 },
    ],
    axes: (report?.axes ?? []).map((axis) => ({ frame: shared, axis })),
    skips: [],
    aliases,
    isSkipMarked: false,
  }
}

// Names that a provider gives a value of its own, and what is made of them.
function ownNames({ module }: ProviderSwitch, runs: readonly TimedRun[]): Set<string> {
  const { file } = module
  const own = new Set<string>()
  const add = (node: SyntaxNode): void => boundNames(file, node).forEach((name) => own.add(name))
  for (const { statements, body } of runs) {
    for (const { node, isOwn } of statements) if (isOwn) add(node)
    body.forEach(add)
  }
  // What comes after the switch may read what the switch has set; one pass a run is enough, for code runs in order.
  for (const { statements } of runs) {
    for (const { node } of statements) if (readsAny(module, node, own)) add(node)
  }
  return own
}

function readsAny({ file }: PythonModule, node: SyntaxNode, names: ReadonlySet<string>): boolean {
  return [...walk(node)].some((inner) => inner.type === 'identifier' && names.has(textOf(file, inner)))
}

function defaultSteps(module: PythonModule, definition: SyntaxNode, shared: Frame): Step[] {
  const outside: Frame = { id: -1, module, locals: new Set() }
  return parametersOf(module.file, definition).flatMap(({ name, default: value }) =>
    value === null ? [] : [{ frame: outside, node: value, binds: variable(shared, name), guards: [], contexts: [] }],
  )
}

function commonSteps(found: ProviderSwitch, { statements }: TimedRun, own: ReadonlySet<string>, frame: Frame): Step[] {
  const common = statements.filter(({ node, isOwn }) => !isOwn && !readsAny(found.module, node, own))
  return toSteps(found.module, common, frame)
}

function ownSteps(
  found: ProviderSwitch,
  { statements, body, call }: TimedRun,
  own: ReadonlySet<string>,
  frame: Frame,
): Step[] {
  const mine = statements.filter(({ node, isOwn }) => isOwn || readsAny(found.module, node, own))
  const before = mine.filter(({ node }) => !(node.start <= call.start && call.end <= node.end))
  const inner = body.map((node) => ({ node, isOwn: true, contexts: [] }))
  return toSteps(found.module, [...before, ...inner], frame)
}

// Nothing is computed by what only measures or returns.
function toSteps({ file }: PythonModule, statements: readonly ProviderStatement[], frame: Frame): Step[] {
  return statements
    .filter(({ node }) => node.type !== 'return_statement' && node.type !== 'function_definition')
    .filter(({ node }) => textOf(file, node).trim() !== '')
    .map(({ node, contexts }) => ({
      frame,
      node,
      binds: null,
      guards: [],
      contexts: contexts.map((context) => ({ frame, node: context })),
    }))
}
