import { describe, expect, it } from 'vitest'
import { nextQuestion } from '../../validators/question-order.ts'
import type { Waiting } from '../../validators/question-order.ts'

describe('the next question', () => {
  it('is one about a task that a free judge knows, then one without a build, then the first', () => {
    const waiting = [a('x', true), a('y', true), a('z', false), a('y', false)]
    expect(nextQuestion(waiting, new Set(['y', null]))).toBe(1)
    expect(nextQuestion(waiting, new Set(['other']))).toBe(2)
    expect(nextQuestion(waiting.slice(0, 2), new Set())).toBe(0)
  })

  it('is the first in the end, whatever comes later', () => {
    const first = a('x', true)
    const places = Array.from({ length: 64 }, () => {
      const place = nextQuestion([first, a('y', false)], new Set(['y']))
      first.numPassed += place
      return place
    })
    expect(places.indexOf(0)).toBeGreaterThan(0)
  })

  it('is not looked for among more than are few', () => {
    const many = Array.from({ length: 100 }, () => a('x', true))
    expect(nextQuestion([...many, a('y', false)], new Set(['y']))).toBe(0)
  })
})

function a(taskId: string, waitsForBuilds: boolean): Waiting {
  return { taskId, waitsForBuilds, numPassed: 0 }
}
