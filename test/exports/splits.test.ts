import { describe, expect, it } from 'vitest'
import { assignSplits, splitsOf } from '../../exports/splits.ts'
import type { SplitTask } from '../../exports/splits.ts'

const SHARES = { validation: 0.1, test: 0.2 }

const alone = (count: number): SplitTask[] =>
  Array.from({ length: count }, (_, index) => ({
    taskId: `t${index}`,
    group: `t${index}`,
    repository: `acme/r${index}`,
  }))

function shareOf(split: string, tasks: readonly SplitTask[]): number {
  const splits = [...assignSplits(tasks, SHARES).values()]
  return splits.filter((each) => each === split).length / splits.length
}

describe('assignSplits', () => {
  it('gives each split about its share of the repositories', () => {
    expect(shareOf('test', alone(5000))).toBeCloseTo(0.2, 1)
    expect(shareOf('validation', alone(5000))).toBeCloseTo(0.1, 1)
    expect(new Set(assignSplits(alone(50), { validation: 0, test: 0 }).values())).toEqual(new Set(['train']))
    expect(splitsOf({ validation: 0, test: 0.1 })).toEqual(['train', 'test'])
  })

  it('never divides a repository or a group', () => {
    const tasks = alone(300).map((task, index) => ({ ...task, group: `g${index % 60}` }))
    const splits = assignSplits(tasks, SHARES)
    for (const { taskId, group } of tasks) {
      const others = tasks.filter((task) => task.group === group).map((task) => splits.get(task.taskId))
      expect(new Set(others)).toEqual(new Set([splits.get(taskId)]))
    }
    const sameRepository = alone(20).map((task) => ({ ...task, repository: 'acme/one', group: 'acme' }))
    expect(new Set(assignSplits(sameRepository, SHARES).values()).size).toBe(1)
  })

  it('changes nothing of a dataset that others join', () => {
    const before = assignSplits(alone(500), SHARES)
    const after = assignSplits(alone(900), SHARES)
    for (const [taskId, split] of before) expect(after.get(taskId)).toBe(split)
  })

  it('moves nothing out of train, whatever new rows tie together', () => {
    const before = assignSplits(alone(500), SHARES)
    const tied = alone(500).map((task, index) => ({ ...task, group: `pair${Math.floor(index / 2)}` }))
    const after = assignSplits(tied, SHARES)
    const left = [...before].filter(([taskId, split]) => split === 'train' && after.get(taskId) !== 'train')
    expect(left).toEqual([])
    expect([...after.values()].filter((split) => split === 'test').length).toBeGreaterThan(0)
  })
})
