import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import { withoutPersonalData } from '../../../extractors/reasoning/personal-data.ts'

const FIXTURE = join(import.meta.dirname, '..', '..', 'fixtures', 'reasoning', 'personal-data.yaml')
const cases = z.array(z.tuple([z.string(), z.string()])).parse(parse(readFileSync(FIXTURE, 'utf8')))

test.each(cases)('%j is published as %j', (text, published) => {
  expect(withoutPersonalData(text)).toBe(published)
  // What is clean stays as it is, however often it is cleaned.
  expect(withoutPersonalData(published)).toBe(published)
})

// Quadratic behaviour would run into the time limit.
test.each([
  'a',
  'a.',
  'a@',
  '1:',
  '-----BEGIN ',
  '+1 ',
  'eyJa',
  'KEY=',
  '~a',
  'x (at) ',
  '0.',
  'API_KEY',
  'ssh-rsa A',
  '://a',
])('a million characters of %j are cleaned at once', (piece) => {
  expect(withoutPersonalData(piece.repeat(1_000_000 / piece.length)).length).toBeGreaterThan(0)
})
