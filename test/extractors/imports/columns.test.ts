import { describe, expect, test } from 'vitest'
import { columnsOfMapping, mapColumns } from '../../../extractors/imports/columns.ts'

const MAPPING = { task: 'task', code: 'code', reasoning: 'reasoning', generator: 'model', language: null }

describe('mapColumns', () => {
  test('reads the declared columns and nothing else', () => {
    const row = { task: 'softmax', code: 'pass', reasoning: 'because', model: 'm', language: 'cuda', extra: 1 }
    expect(mapColumns(row, MAPPING)).toEqual({
      output: { task: 'softmax', code: 'pass', reasoning: 'because', generator: 'm', language: null },
      reason: null,
    })
  })

  test('takes what is absent or null for null, except task and code', () => {
    expect(mapColumns({ task: 'softmax', code: 'pass', reasoning: null }, MAPPING)).toMatchObject({
      output: { reasoning: null, generator: null },
    })
    expect(mapColumns({ task: 'softmax', code: null }, MAPPING)).toMatchObject({ reason: 'missing_value' })
    expect(mapColumns({ code: 'pass' }, MAPPING)).toMatchObject({
      reason: 'missing_value',
      detail: 'the column task is absent or null',
    })
  })

  test.each([
    ['messages.1.content', 'answer'],
    ['messages.-1.content', 'last'],
    ['meta.deep.code', 'nested'],
    ['a.b', 'dotted name'],
  ])('reaches into nested values with %s', (path, expected) => {
    const row = {
      task: 't',
      messages: [{ content: 'question' }, { content: 'answer' }, { content: 'last' }],
      meta: { deep: { code: 'nested' } },
      'a.b': 'dotted name',
      a: { b: 'nested instead' },
    }
    expect(mapColumns(row, { ...MAPPING, code: path })).toMatchObject({ output: { code: expected } })
  })

  test.each(['messages.9.content', 'messages.length', 'messages.one', '__proto__.x', 'constructor.name', 'toString'])(
    'finds nothing at %s',
    (path) => {
      const row = { task: 't', messages: [{ content: 'c' }] }
      expect(mapColumns(row, { ...MAPPING, code: path })).toMatchObject({ reason: 'missing_value' })
    },
  )

  test('takes whole numbers for ids and refuses other types', () => {
    expect(mapColumns({ task: 12, code: 'pass' }, MAPPING)).toMatchObject({ output: { task: '12' } })
    expect(mapColumns({ task: 9007199254740993n, code: 'pass' }, MAPPING)).toMatchObject({
      output: { task: '9007199254740993' },
    })
    expect(mapColumns({ task: 't', code: ['pass'] }, MAPPING)).toMatchObject({
      reason: 'wrong_type',
      detail: 'the column code holds a list, not text',
    })
    expect(mapColumns({ task: 't', code: 'pass', reasoning: { text: 'x' } }, MAPPING)).toMatchObject({
      reason: 'wrong_type',
    })
  })

  test.each([[null], [['softmax']], ['softmax'], [undefined]])('refuses a row that is %j', (row) => {
    expect(mapColumns(row, MAPPING)).toMatchObject({ reason: 'not_an_object' })
  })
})

describe('columnsOfMapping', () => {
  test('names the top-level columns a mapping may read', () => {
    const columns = columnsOfMapping({ ...MAPPING, code: 'messages.1.content', reasoning: null })
    expect(columns).toEqual(['messages', 'messages.1.content', 'model', 'task'])
  })
})
