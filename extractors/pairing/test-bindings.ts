import { posix } from 'node:path'
import { evaluate } from '../python/evaluation.ts'
import type { PythonModule } from '../python/modules.ts'
import type { PythonProject } from '../python/project.ts'
import { resolveChain } from '../python/resolution.ts'
import { argumentsOf, decoratorsOf, fieldOf, nameChain, parametersOf, textOf, undecorated } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { variable } from './test-code.ts'
import type { Frame, FrameAxis, Step } from './test-code.ts'

/** Where the steps and axes of a test are collected. */
export interface StepCollector {
  readonly project: PythonProject
  readonly steps: Step[]
  readonly axes: FrameAxis[]
  frameOf(module: PythonModule, locals: ReadonlySet<string>): Frame
  newFrame(module: PythonModule, definition: SyntaxNode): Frame
}

/** Gives the parameters of a function that nobody gives a value their defaults. */
export function bindDefaults(
  reader: StepCollector,
  frame: Frame,
  definition: SyntaxNode,
  given: ReadonlySet<string>,
): void {
  const outside = reader.frameOf(frame.module, new Set())
  for (const { name, default: value } of parametersOf(frame.module.file, definition)) {
    if (given.has(name) || value === null) continue
    reader.steps.push({ frame: outside, node: value, binds: variable(frame, name), guards: [], contexts: [] })
  }
}

/** Gives the parameters of a test what pytest would: the values of fixtures of its file, or of a `conftest.py` above it. */
export function bindFixtures(
  reader: StepCollector,
  frame: Frame,
  definition: SyntaxNode,
  given: ReadonlySet<string>,
  depth = 0,
): void {
  for (const { name, default: value, kind } of parametersOf(frame.module.file, definition)) {
    if (given.has(name) || value !== null || kind.endsWith('_splat') || depth > MAX_DEPTH) continue
    const fixture = fixtureNamed(reader.project, frame.module, name)
    if (fixture !== null) bindFixture(reader, frame, name, fixture, depth)
  }
}

const MAX_DEPTH = 5

interface Fixture {
  readonly module: PythonModule
  readonly definition: SyntaxNode
  /** The call that marks it, where it has settings. */
  readonly mark: SyntaxNode
}

function fixtureNamed(project: PythonProject, module: PythonModule, name: string): Fixture | null {
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
    const mark =
      node === undefined ? undefined : decoratorsOf(node).find((each) => isFixture(project, meaning.module, each))
    if (node !== undefined && mark !== undefined) return { module: meaning.module, definition: undecorated(node), mark }
  }
  return null
}

function isFixture(project: PythonProject, module: PythonModule, decorator: SyntaxNode): boolean {
  const callee = decorator.type === 'call' ? fieldOf(decorator, 'function') : decorator
  const parts = callee === null ? null : nameChain(module.file, callee)
  const meaning = parts === null ? null : resolveChain(project, module, parts)
  return meaning?.kind === 'external' && meaning.dotted.join('.') === 'pytest.fixture'
}

// What comes after the value, behind a `yield`, only cleans up.
function bindFixture(
  reader: StepCollector,
  frame: Frame,
  name: string,
  { module, definition, mark }: Fixture,
  depth: number,
): void {
  const statements = fieldOf(definition, 'body')?.children ?? []
  const last = statements.findIndex((statement) => valueGiven(statement) !== null)
  const given = statements[last]
  const value = given === undefined ? null : valueGiven(given)
  if (value === null) return
  if (textOf(module.file, value) === 'request.param') {
    const params = mark.type === 'call' ? argumentsOf(module.file, mark).keywords.get('params') : undefined
    const rows = params === undefined ? null : evaluate({ project: reader.project, module, locals: new Map() }, params)
    const items = rows?.kind === 'sequence' && rows.items.length > 0 ? rows.items.map((item) => [item]) : null
    reader.axes.push({ frame, axis: { names: [name], rows: items } })
    return
  }
  const own = reader.newFrame(module, definition)
  bindDefaults(reader, own, definition, new Set())
  bindFixtures(reader, own, definition, new Set(['request']), depth + 1)
  for (const node of statements.slice(0, last)) {
    if (!isText(node)) reader.steps.push({ frame: own, node, binds: null, guards: [], contexts: [] })
  }
  reader.steps.push({ frame: own, node: value, binds: variable(frame, name), guards: [], contexts: [] })
}

function valueGiven(statement: SyntaxNode): SyntaxNode | null {
  if (statement.type === 'return_statement') return statement.children[0] ?? null
  const [inner] = statement.type === 'expression_statement' ? statement.children : []
  return inner?.type === 'yield' ? (inner.children[0] ?? null) : null
}

function isText(statement: SyntaxNode): boolean {
  return statement.type === 'expression_statement' && statement.children[0]?.type === 'string'
}
