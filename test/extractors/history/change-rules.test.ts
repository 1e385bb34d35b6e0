import { describe, expect, test } from 'vitest'
import { classifyChange } from '../../../extractors/history/change-rules.ts'
import type { ChangeFacts } from '../../../extractors/history/change-rules.ts'

const CODE = { removed: ['x = tl . load ( p )'], added: ['x = tl . load ( q )', 'y = x'] }

describe('a change', () => {
  test.each([
    ['performance', 'perf(norm): keep the row in registers'],
    ['performance', '[Performance Optimization] Rewrite the gather'],
    ['performance', 'Fuse scale and bias into one kernel'],
    ['correctness', 'fix: mask the last block'],
    ['correctness', 'Guard launches by the device of the input'],
    ['refactor', 'Rename the kernels'],
    ['refactor', 'Fix a typo in a docstring'],
    ['other', 'Support grouped heads'],
    ['other', 'feat: tune for another vendor and fix its tests'],
    ['other', 'Second version'],
  ])('is %s where people say: %s', (change, subject) => {
    expect(classifyChange(facts({ subjects: [subject] })).change).toBe(change)
  })

  test('is judged by every message since the state before', () => {
    const subjects = ['Refactor: another name for the module', 'fix: sums of empty rows are wrong']
    expect(classifyChange(facts({ subjects })).change).toBe('correctness')
  })

  test.each([
    ['performance', 'The new version is 1.7x faster than the old one.'],
    ['performance', 'Gives up to 70% backward speedup on wide rows.'],
    ['correctness', 'The kernel crashes for an empty tensor.'],
  ])('is %s where the body alone says so: %s', (change, body) => {
    expect(classifyChange(facts({ subjects: ['Improve the backward kernel'], body })).change).toBe(change)
  })

  test.each([
    ['refactor', 'only names differ', ['y = a + b', 'c = y'], ['out = left + right', 'd = out']],
    ['refactor', 'only layout differs', ['assert x , "message"'], ["assert ( x , 'message' )"]],
    [
      'performance',
      'only launch parameters differ',
      ['k [ g ] ( x , num_warps = 4 )'],
      ['k [ g ] ( x , num_warps = 8 )'],
    ],
    ['performance', 'only launch parameters differ', ['BLOCK_SIZE = min ( 64 , n )'], ['BLOCK_SIZE = 128']],
    ['correctness', 'index arithmetic in 64 bits', ['i = pid'], ['i = pid . to ( tl . int64 )']],
  ])('is %s where %s', (change, rule, removed, added) => {
    const found = classifyChange(facts({ subjects: ['Second version'], removed, added }))
    expect(found.change).toBe(change)
    expect(found.evidence.join()).toContain(rule)
  })

  test('is not one of launch parameters where anything else differs', () => {
    const found = classifyChange(
      facts({ removed: ['k [ g ] ( x , num_warps = 4 )'], added: ['k [ g ] ( x , y , num_warps = 8 )'] }),
    )
    expect(found).toEqual({ change: 'other', evidence: [] })
  })

  test('says what it was decided on', () => {
    const { evidence } = classifyChange(facts({ subjects: ['fix(rope): wrong stride'], body: 'It crashes.' }))
    expect(evidence).toEqual([
      'prefix of the subject: fix (correctness +6)',
      'word of the subject: wrong (correctness +4)',
      'word of the body: crashes (correctness +2)',
    ])
  })
})

function facts(fields: Partial<ChangeFacts>): ChangeFacts {
  return { subjects: ['Second version'], body: '', ...CODE, ...fields }
}
