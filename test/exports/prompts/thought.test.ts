import { describe, expect, it } from 'vitest'
import { thoughtOf } from '../../../exports/prompts/thought.ts'

describe('thoughtOf', () => {
  it.each([
    ['so it is\n', 'so it is'],
    ['<think>\nso it is\n</think>\n', 'so it is'],
    ['so it is</think>', 'so it is'],
    ['a < b and b > c', 'a < b and b > c'],
  ])('takes %j as %j', (reasoning, text) => {
    expect(thoughtOf(reasoning)).toEqual({ text })
  })

  it.each([null, '', ' \n', '<think></think>'])('takes %j for none', (reasoning) => {
    expect(thoughtOf(reasoning)).toEqual({ text: null })
  })

  it.each(['one</think>two', '<think>one<think>two</think>', '<think>a</think>\ncode\n<think>b</think>'])(
    'refuses %j, in which a trainer would lose its way',
    (reasoning) => {
      expect(thoughtOf(reasoning)).toMatchObject({ reason: 'reasoning_has_tags' })
    },
  )
})
