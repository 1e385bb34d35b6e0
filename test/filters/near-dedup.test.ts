import { describe, expect, it } from 'vitest'
import { nearDedup } from '../../filters/near-dedup.ts'
import { aCandidate, aTask } from '../records.ts'
import { askDataset, selectAll } from './selecting.ts'

const task = aTask()

/** A kernel of some length; `change` edits its text. */
function kernel(id: string, change: (code: string) => string = (code) => code, of = task) {
  const lines = Array.from(
    { length: 30 },
    (_, index) => `    value_${index} = tl.load(x_ptr + ${index} * stride, mask=inside) + value_${index - 1}`,
  )
  const code = ['def kernel(x_ptr, stride, inside, value_0):', ...lines, '    return value_29'].join('\n')
  return {
    task: of,
    candidate: aCandidate(of, { id, sources: [{ path: 'kernel.py', content: change(code) }] }),
    evaluations: [],
  }
}

async function kept(judged: readonly ReturnType<typeof kernel>[], options: unknown = {}) {
  const decisions = await askDataset(nearDedup, judged, options)
  return decisions.filter(({ keep }) => keep).map(({ candidate_id }) => candidate_id)
}

describe('the filter near-dedup', () => {
  it('sees through other names of variables, comments and a changed line', async () => {
    const renamed = kernel('b', (code) => code.replaceAll('value_', 'some_quantity_').replaceAll('x_ptr', 'source'))
    const changed = kernel('c', (code) => `# mine\n${code.replace('+ 7 *', '+ 8 *')}`)
    expect(await kept([kernel('a'), renamed, changed])).toEqual(['a'])
  })

  it('keeps code that does something else', async () => {
    const other = kernel('b', (code) =>
      code
        .replaceAll('tl.load', 'tl.store')
        .replaceAll(' + value', ' * value')
        .replaceAll('stride, mask', 'stride * 2, other=0, mask'),
    )
    expect(await kept([kernel('a'), other])).toEqual(['a', 'b'])
  })

  it('looks within the task, or over the whole dataset', async () => {
    const elsewhere = kernel('b', undefined, aTask({ id: 'another' }))
    expect(await kept([kernel('a'), elsewhere])).toEqual(['a', 'b'])
    expect(await kept([kernel('a'), elsewhere], { within: 'dataset' })).toEqual(['a'])
  })

  it('names the same cluster whatever order the candidates come in', async () => {
    const judged = [kernel('b'), kernel('a'), kernel('c', (code) => code.replace('+ 3 *', '+ 4 *'))]
    const clusters = async (all: typeof judged) =>
      (await selectAll([], all)).facts.map(({ near_cluster }) => near_cluster)
    expect(await clusters(judged)).toEqual(['a', 'a', 'a'])
    expect(await clusters(judged.toReversed())).toEqual(['a', 'a', 'a'])
  })
})
