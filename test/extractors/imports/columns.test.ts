import { describe, expect, test } from 'vitest'
import { NOTHING_ELSE, columnsOfMapping, mapColumns as mapRow } from '../../../extractors/imports/columns.ts'
import type { RowMapping } from '../../../extractors/imports/columns.ts'

const MAPPING: RowMapping = {
  ...NOTHING_ELSE,
  task: '{task}',
  code: '{code}',
  reasoning: '{reasoning}',
  generator: '{model}',
}

function mapColumns(value: unknown, mapping: RowMapping) {
  return mapRow(value, mapping, 7)
}

describe('mapColumns', () => {
  test('reads the declared columns and nothing else', () => {
    const row = { task: 'softmax', code: 'pass', reasoning: 'because', model: 'm', language: 'cuda', extra: 1 }
    expect(mapColumns(row, MAPPING)).toMatchObject({
      row: { task: 'softmax', code: 'pass', reasoning: 'because', generator: 'm', language: null, turns: null },
      reason: null,
    })
  })

  test('takes what is absent or null for null, except task and code', () => {
    expect(mapColumns({ task: 'softmax', code: 'pass', reasoning: null }, MAPPING)).toMatchObject({
      row: { reasoning: null, generator: null },
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
    expect(mapColumns(row, { ...MAPPING, code: `{${path}}` })).toMatchObject({ row: { code: expected } })
  })

  test.each(['messages.9.content', 'messages.length', 'messages.one', '__proto__.x', 'constructor.name', 'toString'])(
    'finds nothing at %s',
    (path) => {
      const row = { task: 't', messages: [{ content: 'c' }] }
      expect(mapColumns(row, { ...MAPPING, code: `{${path}}` })).toMatchObject({ reason: 'missing_value' })
    },
  )

  test('takes whole numbers for ids and refuses other types', () => {
    expect(mapColumns({ task: 12, code: 'pass' }, MAPPING)).toMatchObject({ row: { task: '12' } })
    expect(mapColumns({ task: 9007199254740993n, code: 'pass' }, MAPPING)).toMatchObject({
      row: { task: '9007199254740993' },
    })
    expect(mapColumns({ task: 't', code: ['pass'] }, MAPPING)).toMatchObject({
      reason: 'wrong_type',
      detail: 'the column code holds a list, not text',
    })
    expect(mapColumns({ task: 't', code: 'pass', reasoning: { text: 'x' } }, MAPPING)).toMatchObject({
      reason: 'wrong_type',
    })
  })

  test('fills templates with several columns, joined lists and the number of the row', () => {
    const row = { level: 2, name: 'gelu', code: 'pass', licenses: ['MIT', 'Apache-2.0'], none: [] }
    const mapping = { ...MAPPING, task: 'bench/{level}/{name}/{#}', license: '{licenses|and}' }
    expect(mapColumns(row, mapping)).toMatchObject({ row: { task: 'bench/2/gelu/7', license: 'MIT AND Apache-2.0' } })
    expect(mapColumns(row, { ...mapping, license: '{none|and}' })).toMatchObject({ row: { license: null } })
    expect(mapColumns(row, { ...mapping, task: 'bench/{missing}' })).toMatchObject({ reason: 'missing_value' })
    expect(mapColumns(row, { ...mapping, license: '{licenses}' })).toMatchObject({ reason: 'wrong_type' })
  })

  test('reads the answers of a conversation with what was said before each', () => {
    const messages = [
      { role: 'system', content: 'be brief' },
      { role: 'user', content: 'write it' },
      { role: 'assistant', content: 'one' },
      { role: 'user', content: 'slow' },
      { role: 'tool', content: '3 ms' },
      { role: 'assistant', content: 'two' },
    ]
    const mapping = { ...MAPPING, code: null, turns: 'chat.messages' }
    expect(mapColumns({ task: 't', chat: { messages } }, mapping)).toMatchObject({
      row: {
        turns: [
          { feedback: null, answer: 'one' },
          { feedback: 'slow\n\n3 ms', answer: 'two' },
        ],
      },
    })
    expect(mapColumns({ task: 't', chat: { messages: [{ role: 'user' }] } }, mapping)).toMatchObject({
      reason: 'wrong_type',
      detail: 'a message of chat.messages has no role or no content',
    })
    expect(mapColumns({ task: 't' }, mapping)).toMatchObject({ reason: 'wrong_type' })
  })

  test.each([[null], [['softmax']], ['softmax'], [undefined]])('refuses a row that is %j', (row) => {
    expect(mapColumns(row, MAPPING)).toMatchObject({ reason: 'not_an_object' })
  })
})

describe('columnsOfMapping', () => {
  test('names the top-level columns a mapping may read', () => {
    const columns = columnsOfMapping({ ...MAPPING, code: '{messages.1.content}', reasoning: null, turns: 'chat' })
    expect(columns).toEqual(['chat', 'messages', 'messages.1.content', 'model', 'task'])
  })
})
