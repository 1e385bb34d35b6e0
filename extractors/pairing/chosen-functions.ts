import { argumentsOf, fieldOf, textOf } from '../python/syntax.ts'
import type { SyntaxNode } from '../python/syntax.ts'
import { canonical } from './step-effects.ts'
import { variable } from './test-code.ts'
import type { Code, Frame, TestCode } from './test-code.ts'

/** The functions that a call may mean which names a variable: of `op = plain if small else torch.compile(fused)` both; none for any other call. */
export function chosenFunctions(test: TestCode, frame: Frame, call: SyntaxNode): Code[] {
  const callee = fieldOf(call, 'function')
  if (callee?.type !== 'identifier') return []
  const name = textOf(frame.module.file, callee)
  if (!frame.locals.has(name)) return []
  const wanted = canonical(test, variable(frame, name))
  return test.steps.flatMap(({ frame: place, node, binds }): Code[] => {
    const assignment = binds === null ? node.children[0] : undefined
    const [left, right] =
      assignment?.type === 'assignment' ? [fieldOf(assignment, 'left'), fieldOf(assignment, 'right')] : []
    const value = binds === null ? right : node
    const target = left?.type === 'identifier' ? variable(place, textOf(place.module.file, left)) : binds
    if (value === null || value === undefined || target === null || canonical(test, target) !== wanted) return []
    return functionsIn(place, value).map((each) => ({ frame: place, node: each }))
  })
}

function functionsIn(frame: Frame, node: SyntaxNode): SyntaxNode[] {
  if (node.type === 'identifier' || node.type === 'attribute') return [node]
  const [first, , last] = node.children
  if (node.type === 'parenthesized_expression') return first === undefined ? [] : functionsIn(frame, first)
  if (node.type === 'conditional_expression')
    return [first, last].flatMap((each) => (each === undefined ? [] : functionsIn(frame, each)))
  const callee = node.type === 'call' ? fieldOf(node, 'function') : null
  if (callee === null || textOf(frame.module.file, callee) !== 'torch.compile') return []
  const [compiled] = argumentsOf(frame.module.file, node).positional
  return compiled === undefined ? [] : functionsIn(frame, compiled)
}
