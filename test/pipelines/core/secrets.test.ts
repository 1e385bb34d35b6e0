import { expect, test } from 'vitest'
import { withoutSecrets } from '../../../pipelines/core/secrets.ts'

test.each([
  ['https://user:hunter2@example.org/a/b.git', 'https://example.org/a/b.git'],
  ['ssh://git@example.org/a/b.git', 'ssh://example.org/a/b.git'],
  ['token hf_abcdefghijklmnop refused', 'token hf_*** refused'],
  ['Authorization: Bearer ghp_0123456789abcdef', 'Authorization: Bearer ghp_***'],
  ['a sentence without any, and a-b_c@d', 'a sentence without any, and a-b_c@d'],
])('%j loses its credentials', (text, clean) => {
  expect(withoutSecrets(text)).toBe(clean)
})

test('a megabyte of letters is no trouble', () => {
  // With a pattern that is quadratic in it, this runs for longer than a test may.
  const text = 'a'.repeat(1_000_000)
  expect(withoutSecrets(text)).toBe(text)
})
