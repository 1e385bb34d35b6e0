import { posix } from 'node:path'
import { literalText } from '../python/values.ts'
import type { KnownValues } from './interpretation.ts'
import type { TestCode } from './test-code.ts'

/**
 * What a test computes, as its author calls it: the function's name, with the file's in front where the function's says nothing
 * (`test_correctness` of test_rms_norm.py), and the class it is run for behind.
 */
export function testName(test: TestCode, known: KnownValues): string {
  const stem = posix
    .basename(test.module.path, '.py')
    .replace(/^(?:test|bench(?:mark)?)_|_(?:test|bench(?:mark)?)$/g, '')
  const own = test.name === '__main__' ? '' : test.name.replace(/^(?:test|bench(?:mark)?)(?:_|$)/, '')
  const words = new Set(stem.split('_'))
  const isTelling = own.split('_').some((word) => words.has(word)) || (own !== '' && !GENERIC.test(own))
  const base = isTelling ? own : own === '' ? stem : `${stem}_${own}`
  const symbols = [...known].flatMap(([, value]) =>
    value.kind === 'symbol' && literalText(value) === null ? [value.name.split('.').at(-1) ?? ''] : [],
  )
  const told = symbols.filter((symbol) => !/device$/i.test(symbol))
  return told.length === 0 ? base : `${base} ${[...new Set(told)].join(' ')}`
}

const GENERIC =
  /^(?:correctness|forward|accuracy|basic|main|equivalence|consistency|functional|op|kernel|matches|compare|run)/i
