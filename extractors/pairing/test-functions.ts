import type { ModuleStatement, PythonModule } from '../python/modules.ts'
import type { PythonProject } from '../python/project.ts'
import { fieldOf, parametersOf, textOf, undecorated } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { holdsComparison } from './comparison-search.ts'
import { parametrizedAxes } from './test-axes.ts'
import { readMainBlock, readScript, readTestFunction } from './test-reading.ts'
import type { TestFunction } from './test-reading.ts'
import type { TestCode } from './test-code.ts'

/** Whether a file's text can hold a comparison at all: a quick look that spares parsing most of a repository. */
export function mayCompare(text: string): boolean {
  return /close|equal|similar|almost|correctness|diff|err|\babs\s*\(/i.test(text) && text.includes('torch')
}

/**
 * The places of a module that compare values by themselves: test functions, also those of classes, functions that need no arguments,
 * the main block of a script, and the statements of one that has neither.
 */
export function testsOf(project: PythonProject, module: PythonModule): TestCode[] {
  const functions = module.statements.flatMap((statement) => functionsIn(module, statement))
  const tests = functions
    .filter((found) => isStart(project, found) && holdsComparison(project, module, found.definition))
    .map((found) => readTestFunction(project, found))
  const main = readMainBlock(project, module)
  if (main !== null && main.comparisons.length > 0) return [...tests, main]
  const script = main === null && tests.length === 0 ? readScript(project, module) : null
  return script === null || script.comparisons.length === 0 ? tests : [script]
}

function functionsIn(module: PythonModule, statement: ModuleStatement): TestFunction[] {
  const definition = undecorated(statement.node)
  if (definition.type === 'function_definition') return [toFunction(module, statement, statement.node, null)]
  const body = definition.type === 'class_definition' ? fieldOf(definition, 'body') : null
  return (body?.children ?? [])
    .filter((member) => undecorated(member).type === 'function_definition')
    .map((member) => toFunction(module, statement, member, statement.node))
    .filter(({ name }) => name.startsWith('test'))
}

function toFunction(
  module: PythonModule,
  statement: ModuleStatement,
  outer: SyntaxNode,
  classNode: SyntaxNode | null,
): TestFunction {
  const definition = undecorated(outer)
  const name = fieldOf(definition, 'name')
  return { module, statement, outer, definition, classNode, name: name === null ? '' : textOf(module.file, name) }
}

// Somebody must know what to call it with: pytest, or nobody because it takes nothing.
function isStart(project: PythonProject, { module, name, definition, outer, classNode }: TestFunction): boolean {
  if (name.startsWith('test')) return true
  const scope = { project, module, locals: new Map() }
  const given = new Set(parametrizedAxes(scope, outer).flatMap((axis) => axis.names))
  const parameters = parametersOf(module.file, definition).slice(classNode === null ? 0 : 1)
  return parameters.every(
    ({ name: parameter, default: value, kind }) => value !== null || given.has(parameter) || kind.endsWith('_splat'),
  )
}
