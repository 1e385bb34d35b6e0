import { expect, it } from 'vitest'
import { semanticDedup } from '../../filters/semantic-dedup.ts'
import { aTask } from '../records.ts'
import { askDataset, stated } from './selecting.ts'

const judged = ['a', 'b', 'c', 'd'].map((name, index) => {
  const task = aTask({ id: `task-${name}`, reference: `y = ${'abcd'.repeat(index + 1)}(x)` })
  const graphs = ['graph@1/torch2.13/one', 'graph@1/torch2.13/one', 'graph@1/torch2.13/other', null]
  return stated(name, { reference_graph: graphs[index] ?? null }, {}, task)
})

it('keeps a few candidates over all tasks of one graph, and all whose references nobody traced', async () => {
  const kept = async (options: unknown) =>
    (await askDataset(semanticDedup, judged, options)).filter(({ keep }) => keep).map((row) => row.candidate_id)
  expect(await kept({ by: 'graph', most: 1 })).toEqual(['a', 'c', 'd'])
  expect(await kept({ by: 'graph', most: 2 })).toEqual(['a', 'b', 'c', 'd'])
})
