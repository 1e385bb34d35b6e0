import { fieldOf, nameChain, textOf } from '../python/syntax.ts'
import type { PythonFile, SyntaxNode } from '../python/syntax.ts'
import type { Frame, Step } from './test-code.ts'

/** Statements after which nothing of their block is reached. */
export const LEAVING = new Set(['return_statement', 'continue_statement', 'break_statement', 'raise_statement'])

/** Whether a statement ends the test: `pytest.skip()`, `self.skipTest()`, `sys.exit()`. */
export function isSkipCall(file: PythonFile, node: SyntaxNode): boolean {
  const call = node.type === 'expression_statement' ? node.children[0] : undefined
  const callee = call?.type === 'call' ? fieldOf(call, 'function') : null
  const name = callee === null ? '' : (nameChain(file, callee)?.at(-1) ?? '')
  return ['skip', 'skipTest', 'xfail', 'exit'].includes(name)
}

/** Whether a block does little but leave. */
export function leavesAtOnce(file: PythonFile, block: SyntaxNode): boolean {
  const last = block.children.at(-1)
  return last !== undefined && block.children.length <= 2 && (LEAVING.has(last.type) || isSkipCall(file, last))
}

const SCRIPT = new Set([
  'expression_statement',
  'assert_statement',
  'if_statement',
  'for_statement',
  'while_statement',
  'with_statement',
  'try_statement',
])

/** The statements of a file that run when it is imported and define nothing. */
export function scriptStatements(root: SyntaxNode): SyntaxNode[] {
  return root.children.filter((node) => SCRIPT.has(node.type))
}

/** What a variable of a frame was assigned last, or null where no plain assignment says. */
export function lastAssigned(steps: readonly Step[], frame: Frame, name: string): SyntaxNode | null {
  for (const step of steps.toReversed()) {
    const assignment = step.frame === frame && step.binds === null ? step.node.children[0] : undefined
    const [left, right] =
      assignment?.type === 'assignment' ? [fieldOf(assignment, 'left'), fieldOf(assignment, 'right')] : []
    if (left?.type === 'identifier' && textOf(frame.module.file, left) === name) return right ?? null
  }
  return null
}
