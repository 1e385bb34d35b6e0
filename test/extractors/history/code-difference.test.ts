import { describe, expect, test } from 'vitest'
import { differenceOf, newComments } from '../../../extractors/history/code-difference.ts'

describe('the difference of two texts', () => {
  test('is that of their code, whatever the comments, the spacing and the order', () => {
    const before = 'import a\nimport b\n\n\ndef f(x):\n    # old\n    return a(x)\n'
    const after = 'import b\nimport a\n\n\ndef f( x ):\n    y = b(x)  # new\n    return a(y)\n'
    expect(differenceOf(before, after, 'triton')).toEqual({
      removed: ['return a ( x )'],
      added: ['y = b ( x )', 'return a ( y )'],
    })
  })

  test('counts lines that stand there several times', () => {
    expect(differenceOf('f()\nf()\n', 'f()\n', 'triton')).toEqual({ removed: ['f ( )'], added: [] })
  })
})

describe('new comments', () => {
  test('are sentences, not directives, licences or code that was switched off', () => {
    const before = '# The grid has one program per row.\nx = 1\n'
    const after = `# SPDX-License-Identifier: MIT
# The grid has one program per row.
# Two rows share a program: the loads overlap.
# x = tl.load(pointer + offsets)
# noqa: this line
# TODO make it faster one day
# if mask is None: return
y = "# not a comment at all"
// A second pass would read everything again.
x = 1
`
    expect(newComments(before, after)).toEqual([
      'Two rows share a program: the loads overlap.',
      'A second pass would read everything again.',
    ])
  })
})
