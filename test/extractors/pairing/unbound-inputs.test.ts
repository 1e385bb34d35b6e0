import { describe, expect, test } from 'vitest'
import { unboundInputs } from '../../../extractors/pairing/unbound-inputs.ts'

describe('inputs that a branch makes', () => {
  test.each([
    [['x = 1'], []],
    [['if grouped:\n    x = 1'], ['x']],
    [['if grouped:\n    x = 1\nelse:\n    x = 2'], []],
    [['if grouped:\n    y, (x, z) = 1, (2, 3)\nelif other:\n    x: int = 2\nelse:\n    print(x == 3)'], ['x']],
    [['x = None', 'if grouped:\n    x = 1'], []],
    [['for x in range(3):\n    x += 1'], []],
    [['if grouped:\n    a.x = 1\n    print(x=2)'], []],
  ])('of %j leave %j unbound', (blocks, unbound) => {
    expect(unboundInputs(blocks, ['x'])).toEqual(unbound)
  })
})
