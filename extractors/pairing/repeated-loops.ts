import { boundNames } from '../python/names.ts'
import { fieldOf, textOf, walk } from '../python/syntax.ts'
import type { PythonFile, SyntaxNode } from '../python/syntax.ts'
import { changedBelow } from './in-place-changes.ts'
import type { Frame, Step } from './test-code.ts'

/**
 * Whether a loop only does again what steps before it have done, as loops that warm up or measure do: `for _ in range(100): out = f(x)`
 * after `out = f(x)`. What changes a value in place, or reads what it has made itself, is done again for a reason.
 */
export function repeatsSteps(steps: readonly Step[], frame: Frame, loop: SyntaxNode): boolean {
  const { file } = frame.module
  const [body, left] = [fieldOf(loop, 'body'), fieldOf(loop, 'left')]
  if (loop.type !== 'for_statement' || body === null || left === null) return false
  const before = new Set(steps.filter((step) => step.frame === frame).map(({ node }) => plainText(file, node)))
  const made = new Set([...boundNames(file, body), ...boundNames(file, left), textOf(file, left)])
  return body.children.every((statement) => {
    const value = assignedValue(statement)
    const reads = value === null ? [] : [...walk(value)].filter(({ type }) => type === 'identifier')
    const isAgain =
      value !== null && before.has(plainText(file, statement)) && changedBelow(frame, statement).length === 0
    return isAgain && reads.every((name) => !made.has(textOf(file, name)))
  })
}

function assignedValue(statement: SyntaxNode): SyntaxNode | null {
  const assignment = statement.type === 'expression_statement' ? statement.children[0] : undefined
  return assignment?.type === 'assignment' ? fieldOf(assignment, 'right') : null
}

function plainText(file: Pick<PythonFile, 'text'>, node: SyntaxNode): string {
  return textOf(file, node).replaceAll(/\s+/g, '')
}
