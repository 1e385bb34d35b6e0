import { describe, expect, test } from 'vitest'
import { grounded } from '../../filters/grounded.ts'
import type { Judged } from '../../filters/types.ts'
import { countTokens } from '../../pipelines/core/tokenizer.ts'
import { aCandidate, aReasoning, aTask } from '../records.ts'
import { askRecord, selectAll } from './selecting.ts'

const TRUE = 'The block size is 256 and every load is masked against the bounds.'
const FALSE = 'The tile lives in shared memory.'
const CODE = 'BLOCK = 256\nx = tl.load(x_ptr, mask=offsets < size)\n'
const CHINESE =
  '这个内核按行处理数据，每个程序实例读取一行，计算平方和，然后写回结果，因此每个元素只读取一次并写入一次，性能受内存带宽限制，没有其他瓶颈，因此不需要更复杂的方法来提高速度。'

describe('the filter grounded', () => {
  test.each([
    ['keeps a trace whose claims hold', TRUE, {}, null, 1],
    ['keeps a trace that claims nothing', 'It is simple.', {}, null, null],
    ['refuses one that claims what is not there', FALSE, {}, 'claims_do_not_hold', 0],
    ['refuses one of whose claims too few hold', `${TRUE} ${FALSE}`, { min_score: 0.9 }, 'claims_do_not_hold', 2 / 3],
    ['keeps it where that is enough', `${TRUE} ${FALSE}`, { min_score: 0.5 }, null, 2 / 3],
    ['refuses one that claims too little', TRUE, { min_claims: 3 }, 'few_claims', 2],
    ['refuses one that is stuck', 'So we load the row and then store the row again. '.repeat(40), {}, 'loops', 0.97],
    ['refuses one in another language', CHINESE, { languages: ['eng'] }, 'other_language', null],
    ['keeps one in a language that is named', CHINESE, { languages: ['cmn'] }, null, null],
  ] as const)('%s', async (_, trace, options, reason, score) => {
    const verdict = await askRecord(grounded, judged(trace), options)
    expect(verdict).toMatchObject({ keep: reason === null, reason })
    if (score === null) expect(verdict.score).toBeNull()
    else expect(verdict.score).toBeCloseTo(score, 1)
  })

  test('gives the evidence for every claim, what does not hold first', async () => {
    const { detail } = await askRecord(grounded, judged(`${TRUE} ${FALSE}`), { min_score: 0 })
    expect(detail?.split('\n')).toEqual([
      `shared_memory: does not hold (said: ${FALSE})`,
      'block_size 256: holds (line 1: BLOCK = 256)',
      'masking: holds (line 2: x = tl.load(x_ptr, mask=offsets < size))',
    ])
  })

  test('holds people and models to the same', async () => {
    const human = judged(FALSE, { kind: 'human' })
    expect(await askRecord(grounded, human)).toEqual(await askRecord(grounded, judged(FALSE)))
  })
})

test('the facts of a trace are its parts in tokens, its language, and what of it is so', async () => {
  const plan = 'Every row of the input is read once and written once, so the kernel is bound by memory.'
  const check = 'Wait, does this handle rows whose size is no power of two? The mask does.'
  const trace = [plan, '```python\nBLOCK = 256\n```', check, TRUE, FALSE].join('\n\n')
  const { facts } = await selectAll([], [judged(trace)])
  expect(facts[0]).toMatchObject({
    trace_claims: 3,
    trace_score: 2 / 3,
    trace_wrong_claims: 'shared_memory',
    trace_plan_tokens: await countTokens([plan, TRUE, FALSE].join('\n\n')),
    trace_code_tokens: await countTokens('BLOCK = 256'),
    trace_check_tokens: await countTokens(check),
    reasoning_language: 'eng',
    reasoning_loops: 0,
  })
})

function judged(trace: string, fields: { kind?: 'model' | 'human' } = {}): Judged {
  const task = aTask()
  const reasoning = aReasoning(10, { text: trace, ...fields })
  return {
    task,
    evaluations: [],
    candidate: aCandidate(task, { reasoning, sources: [{ path: 'kernel.py', content: CODE }] }),
  }
}
