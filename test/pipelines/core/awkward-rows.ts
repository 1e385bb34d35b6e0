import type { Column, ParquetRow } from '../../../pipelines/core/parquet.ts'

/** One column of every type. */
export const COLUMNS: readonly Column[] = [
  { name: 'id', type: 'string', nullable: false, description: '' },
  { name: 'text', type: 'string', nullable: true, description: '', statistics: false },
  { name: 'whole', type: 'int64', nullable: true, description: '' },
  { name: 'number', type: 'double', nullable: true, description: '' },
  { name: 'flag', type: 'boolean', nullable: true, description: '' },
  { name: 'words', type: { list: 'string' }, nullable: true, description: '' },
  {
    name: 'messages',
    type: { list: { struct: { role: 'string', content: 'string' } } },
    nullable: true,
    description: '',
    statistics: false,
  },
  { name: 'anything', type: 'json', nullable: true, description: '' },
]

/** A row without values, for all but the id. */
export const EMPTY = { text: null, whole: null, number: null, flag: null, words: null, messages: null, anything: null }

/** Values that writers and readers are known to lose. */
export const ROWS: readonly ParquetRow[] = [
  { ...EMPTY, id: 'nulls' },
  {
    ...EMPTY,
    id: 'empty',
    text: '',
    whole: 0n,
    number: 0,
    flag: false,
    words: [],
    messages: [],
    anything: {},
  },
  {
    ...EMPTY,
    id: 'unicode',
    text: 'λ 𝛌 你好 👩‍🔬\u0000\r\n\t',
    words: ['', '\u{1F680}', 'é'],
    messages: [
      { role: 'user', content: 'a "quoted" λ' },
      { role: 'assistant', content: '```python\nx = 1\n```' },
    ],
    anything: { nested: [1, null, { text: '👋' }] },
  },
  { ...EMPTY, id: 'largest', whole: 9223372036854775807n, number: Number.MAX_VALUE, flag: true },
  { ...EMPTY, id: 'smallest', whole: -9223372036854775808n, number: -5e-324 },
  { ...EMPTY, id: 'not a number', number: Number.NaN, words: [null, 'after null'] },
  { ...EMPTY, id: 'infinite', number: Number.POSITIVE_INFINITY, messages: [{ role: null, content: 'no role' }] },
  { ...EMPTY, id: 'minus infinite', number: Number.NEGATIVE_INFINITY },
  { ...EMPTY, id: 'minus zero', number: -0 },
  { ...EMPTY, id: 'large', text: 'kernel λ '.repeat(600_000) },
]
