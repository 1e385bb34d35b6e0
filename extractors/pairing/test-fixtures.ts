import { posix } from 'node:path'
import { methodNamed } from '../python/class-methods.ts'
import { evaluate } from '../python/evaluation.ts'
import type { PythonModule } from '../python/modules.ts'
import { boundNames } from '../python/names.ts'
import type { PythonProject } from '../python/project.ts'
import { resolveChain } from '../python/resolution.ts'
import { argumentsOf, decoratorsOf, fieldOf, nameChain, parametersOf, textOf, undecorated } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import type { Axis } from './test-axes.ts'
import { bindDefaults } from './test-bindings.ts'
import type { StepCollector } from './test-bindings.ts'
import { variable } from './test-code.ts'
import type { Frame, Variable } from './test-code.ts'

/** A test whose parameters pytest would give values. */
export interface FixtureRequest {
  readonly frame: Frame
  readonly definition: SyntaxNode
  /** The class around it, whose fixtures come first. */
  readonly classNode: SyntaxNode | null
  /** Names that `parametrize` gives values. */
  readonly given: ReadonlySet<string>
}

/**
 * Gives the parameters of a test what pytest would: the values of fixtures of its class, of its file, or of a `conftest.py` above it.
 * A fixture runs once for a test, so that whoever asks for it shares its value
 * (https://docs.pytest.org/en/stable/how-to/fixtures.html#fixtures-can-be-requested-more-than-once-per-test-return-values-are-cached).
 * Gives the names of those that `parametrize` gives what they make their value of (`indirect`), not the value itself.
 */
export function bindFixtures(reader: StepCollector, request: FixtureRequest): Set<string> {
  const { frame, definition, given } = request
  const made = new Map([...given].map((name) => [name, variable(frame, name)]))
  const binding = { ...request, reader, made }
  const computed = new Set([...given].filter((name) => computesFromParameter(binding, name)))
  for (const name of computed) made.delete(name)
  bindParameters(binding, frame, definition, 0)
  return computed
}

/** The name of what a fixture is given to make its value of. */
export function parameterOf(fixture: string): string {
  return `${fixture}_param`
}

const MAX_DEPTH = 8

interface Binding extends FixtureRequest {
  readonly reader: StepCollector
  /** Where the values of fixtures are that somebody has asked for. */
  readonly made: Map<string, Variable>
}

interface Fixture {
  readonly module: PythonModule
  readonly definition: SyntaxNode
  /** The call that marks it, where it has settings. */
  readonly mark: SyntaxNode
}

function bindParameters(binding: Binding, frame: Frame, definition: SyntaxNode, depth: number): void {
  for (const { name, default: preset, kind } of parametersOf(frame.module.file, definition)) {
    if (preset !== null || kind.endsWith('_splat') || depth > MAX_DEPTH) continue
    const value = binding.made.get(name) ?? bindFixture(binding, name, depth)
    if (value !== null) share(binding.reader, frame, definition, name, value)
  }
}

// A fixture that changes what the name stands for changes it for nobody else.
function share(reader: StepCollector, frame: Frame, definition: SyntaxNode, name: string, from: Variable): void {
  const own = variable(frame, name)
  if (own === from) return
  const { file } = frame.module
  const body = fieldOf(definition, 'body')
  const parameter = fieldOf(definition, 'parameters')
    ?.children.map((node) => (node.type === 'typed_parameter' ? (node.children[0] ?? node) : node))
    .find((node) => node.type === 'identifier' && textOf(file, node) === name)
  if (body === null || parameter === undefined || !boundNames(file, body).has(name)) {
    reader.aliases.set(own, from)
    return
  }
  const there: Frame = { id: Number(from.split(':')[0]), module: frame.module, locals: new Set([name]) }
  reader.steps.push({ frame: there, node: parameter, binds: own, guards: [], contexts: [] })
}

// The variable of its value, which is nobody's own: who asks for it first may change what the name means to it. What comes after
// the value, behind a `yield`, only cleans up.
function bindFixture(binding: Binding, name: string, depth: number): Variable | null {
  const fixture = fixtureNamed(binding, name)
  const value = fixture === null ? null : valueOf(fixture)
  if (fixture === null || value === null) return null
  const { reader } = binding
  const { module, definition } = fixture
  const home = reader.frameOf(module, new Set([name]))
  const made = variable(home, name)
  binding.made.set(name, made)
  if (textOf(module.file, value.node) === 'request.param') {
    reader.axes.push({ frame: home, axis: { names: [name], rows: parametersIn(reader.project, fixture) } })
    return made
  }
  const own = reader.newFrame(module, definition)
  bindDefaults(reader, own, definition, new Set())
  bindParameters(binding, own, definition, depth + 1)
  const readable = readingParameter(own)
  if (takesParameter(fixture)) bindParameter(binding, fixture, name, readable.frame)
  for (const node of value.before) {
    if (!isText(node)) addStep(reader, readable, node, null)
  }
  addStep(reader, readable, value.node, made)
  return made
}

function addStep(reader: StepCollector, { frame, rewrite }: Readable, node: SyntaxNode, binds: Variable | null): void {
  reader.steps.push({ frame, node: rewrite(node), binds, guards: [], contexts: [] })
}

// Where `parametrize` does not say, the fixture does.
function bindParameter({ reader, frame, given }: Binding, fixture: Fixture, name: string, own: Frame): void {
  const parameter = parameterOf(name)
  if (!given.has(name)) {
    reader.axes.push({ frame, axis: { names: [parameter], rows: parametersIn(reader.project, fixture) } })
  }
  reader.aliases.set(variable(own, READABLE), variable(frame, parameter))
}

interface Readable {
  readonly frame: Frame
  readonly rewrite: (node: SyntaxNode) => SyntaxNode
}

// As long as what it stands for, so that every place in the file stays where it is.
const [PARAMETER, READABLE] = ['request.param', 'request_param']

// `request.param` as a variable of the fixture's.
function readingParameter(frame: Frame): Readable {
  const { module } = frame
  const { file } = module
  const rewrite = (node: SyntaxNode): SyntaxNode =>
    node.type === 'attribute' && textOf(file, node) === PARAMETER
      ? { ...node, type: 'identifier', children: [] }
      : { ...node, children: node.children.map(rewrite) }
  const text = file.text.replaceAll(PARAMETER, READABLE)
  const view = { ...module, file: { ...file, text }, home: module.home ?? module }
  return { frame: { ...frame, module: view, locals: new Set([...frame.locals, READABLE]) }, rewrite }
}

// `parametrize(..., indirect=True)` gives a fixture its parameter, of which it may make anything.
function computesFromParameter(binding: Binding, name: string): boolean {
  const fixture = fixtureNamed(binding, name)
  if (fixture === null) return false
  const { file } = fixture.module
  const value = valueOf(fixture)
  return takesParameter(fixture) && (value === null || textOf(file, value.node) !== 'request.param')
}

function takesParameter({ module, definition }: Fixture): boolean {
  return parametersOf(module.file, definition).some(({ name }) => name === 'request')
}

function parametersIn(project: PythonProject, { module, mark }: Fixture): Axis['rows'] {
  const params = mark.type === 'call' ? argumentsOf(module.file, mark).keywords.get('params') : undefined
  const rows = params === undefined ? null : evaluate({ project, module, locals: new Map() }, params)
  return rows?.kind === 'sequence' && rows.items.length > 0 ? rows.items.map((item) => [item]) : null
}

function fixtureNamed(binding: Binding, name: string): Fixture | null {
  return fixtureOfClass(binding, name) ?? fixtureOfFiles(binding, name)
}

function fixtureOfClass({ reader, frame, classNode }: Binding, name: string): Fixture | null {
  const module = frame.module.home ?? frame.module
  const member = classNode === null ? null : methodNamed(reader.project, module, classNode, name)
  return member === null ? null : markedFixture(reader.project, member.module, member.node)
}

function fixtureOfFiles({ reader: { project }, frame: { module } }: Binding, name: string): Fixture | null {
  const folders: string[] = []
  for (let folder = posix.dirname(module.path); ; folder = posix.dirname(folder)) {
    folders.push(folder)
    if (folder === '.' || folder === '/') break
  }
  const places = [module, ...folders.map((folder) => project.module(posix.join(folder, 'conftest.py')))]
  for (const place of places) {
    const meaning = place === null ? null : resolveChain(project, place, [name])
    if (meaning?.kind !== 'definition') continue
    const node = meaning.module.definitions.get(meaning.name)?.at(-1)?.node
    const fixture = node === undefined ? null : markedFixture(project, meaning.module, node)
    if (fixture !== null) return fixture
  }
  return null
}

function markedFixture(project: PythonProject, module: PythonModule, node: SyntaxNode): Fixture | null {
  const mark = decoratorsOf(node).find((each) => isFixture(project, module, each))
  return mark === undefined ? null : { module, definition: undecorated(node), mark }
}

function isFixture(project: PythonProject, module: PythonModule, decorator: SyntaxNode): boolean {
  const callee = decorator.type === 'call' ? fieldOf(decorator, 'function') : decorator
  const parts = callee === null ? null : nameChain(module.file, callee)
  const meaning = parts === null ? null : resolveChain(project, module, parts)
  return meaning?.kind === 'external' && meaning.dotted.join('.') === 'pytest.fixture'
}

// What a fixture gives, and the statements before it.
function valueOf({ definition }: Fixture): { node: SyntaxNode; before: readonly SyntaxNode[] } | null {
  const statements = fieldOf(definition, 'body')?.children ?? []
  const last = statements.findIndex((statement) => valueGiven(statement) !== null)
  const given = statements[last]
  const node = given === undefined ? null : valueGiven(given)
  return node === null ? null : { node, before: statements.slice(0, last) }
}

function valueGiven(statement: SyntaxNode): SyntaxNode | null {
  if (statement.type === 'return_statement') return statement.children[0] ?? null
  const [inner] = statement.type === 'expression_statement' ? statement.children : []
  return inner?.type === 'yield' ? (inner.children[0] ?? null) : null
}

function isText(statement: SyntaxNode): boolean {
  return statement.type === 'expression_statement' && statement.children[0]?.type === 'string'
}
