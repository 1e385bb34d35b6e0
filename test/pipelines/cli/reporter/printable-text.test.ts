import { expect, test } from 'vitest'
import { printableName, printableText } from '../../../../pipelines/cli/reporter/printable-text.ts'

test('what a terminal would obey is shown, and colours, tabs and lines stay', () => {
  const hostile = 'a\u001b]0;title\u0007b\u009b2J\u0000\u202ec\rd'
  expect(printableText(hostile)).toBe('a\\x1b]0;title\\x07b\\x9b2J\\x00\\u202ec\\x0dd')
  const own = '\u001b[31merror\u001b[39m\n\tnext: größer ≥ 2 ✓'
  expect(printableText(own)).toBe(own)
})

test('a name is one line of bounded length', () => {
  expect(printableName('x: accepted\ny')).toBe('x: accepted\\ny')
  expect(printableName('B'.repeat(100_000))).toHaveLength(201)
})
