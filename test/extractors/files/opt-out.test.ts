import { expect, test } from 'vitest'
import { isOptedOut } from '../../../extractors/files/opt-out.ts'

test.each([
  ['Acme/Kernels', ['acme/kernels'], true],
  ['acme/kernels', ['acme/*'], true],
  ['acme/kernels', ['other/*', 'acme/kernel'], false],
  ['acme/kernels', [], false],
  ['.hidden', ['*'], true],
  ['acme/kernels', ['!acme/kernels'], false],
])('%s on the list %j: %s', (name, list, expected) => {
  expect(isOptedOut(name, list)).toBe(expected)
})
