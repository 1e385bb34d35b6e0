import { describe, expect, test } from 'vitest'
import { candidates } from '../../../pipelines/core/records/candidate.ts'
import { rejects } from '../../../pipelines/core/records/reject.ts'
import { trajectories } from '../../../pipelines/core/records/trajectory.ts'
import type { TrajectoryTurn } from '../../../pipelines/core/records/trajectory.ts'
import { CODE, IMPORT, SHARD, runOutputs } from './import-run.ts'
import { aRecipe } from './stage-run.ts'

describe('logs of searches become trajectories', () => {
  const codeOf = (name: string): string => `${CODE}# ${name}\n`

  async function turnsOf(rows: readonly unknown[], columns: object) {
    const run = await runOutputs(rows, { entry: { ...IMPORT, columns } })
    const made = new Map(
      (await run.read(candidates, SHARD)).map(({ id, sources }) => [
        id,
        /# (\w+)/.exec(sources[0]?.content ?? '')?.[1],
      ]),
    )
    const turns = await run.read(trajectories, SHARD)
    const ways = Map.groupBy(turns, ({ trajectory_id }) => trajectory_id)
    const told = ({ turn, candidate_id, parent_id, feedback, reasoning }: TrajectoryTurn) =>
      [turn, made.get(candidate_id), made.get(parent_id ?? '') ?? null, feedback, reasoning?.text ?? null] as const
    const reasons = (await run.read(rejects, SHARD)).map(({ reason }) => reason)
    return { ways: [...ways.values()].map((way) => way.map(told)), made: [...made.values()], reasons }
  }

  test('a row with a list of attempts', async () => {
    const attempts = [
      { program: codeOf('a'), thought: 'Rows.', result: { speedup: 0.5, ok: true } },
      { program: 'I give up.', result: { speedup: 0, ok: false } },
      { program: codeOf('b'), result: { speedup: 2.25, ok: true } },
      { program: codeOf('c') },
    ]
    const attempt = {
      code: 'program',
      reasoning: 'thought',
      feedback: '{result.speedup} times as fast, right: {result.ok}',
    }
    expect(await turnsOf([{ task: 'softmax', attempts }], { turns: 'attempts', attempt })).toEqual({
      ways: [
        [
          [0, 'a', null, null, 'Rows.'],
          [2, 'b', 'a', null, null],
          [3, 'c', 'b', '2.25 times as fast, right: true', null],
        ],
      ],
      made: ['a', 'b', 'c'],
      reasons: ['no_code'],
    })
  })

  // b and c are made from a, d from c, which is no code, and x begins a search of its own.
  const TREE = [
    ['a', null, 1, codeOf('a')],
    ['b', 'a', 3, codeOf('b')],
    ['c', 'a', 2, 'prose'],
    ['d', 'c', 9.5, codeOf('d')],
    ['x', '', 4, codeOf('x')],
  ].map(([node, from, score, code]) => ({
    task: 'softmax',
    node,
    from,
    metrics: { score },
    code,
    log: `log of ${node}`,
  }))
  const SEARCH = { id: 'node', parent: 'from', feedback: 'Score {metrics.score}. {log}' }

  test('a row per attempt: the way to every last one', async () => {
    const { ways, made, reasons } = await turnsOf(TREE, { search: SEARCH })
    expect(ways).toEqual([
      [
        [0, 'a', null, null, null],
        [1, 'b', 'a', 'Score 1. log of a', null],
      ],
      [
        [0, 'a', null, null, null],
        [2, 'd', 'a', null, null],
      ],
    ])
    expect({ made, reasons }).toEqual({ made: ['a', 'b', 'd', 'x'], reasons: ['no_code'] })
  })

  test('a row per attempt with scores: the way to the best of each search', async () => {
    const columns = { search: { ...SEARCH, score: 'metrics.score', feedback: 'log' } }
    expect((await turnsOf([...TREE, TREE[1]], columns)).ways).toEqual([
      [
        [0, 'a', null, null, null],
        [2, 'd', 'a', null, null],
      ],
    ])
  })

  test('a row with messages', async () => {
    const chat = [
      { role: 'user', content: 'Go.' },
      { role: 'assistant', content: `\`\`\`python\n${codeOf('a')}\`\`\`` },
      { role: 'user', content: 'Wrong.' },
      { role: 'assistant', content: `<think>Why?</think>\`\`\`python\n${codeOf('b')}\`\`\`` },
    ]
    expect((await turnsOf([{ task: 'softmax', chat }], { turns: 'chat' })).ways).toEqual([
      [
        [0, 'a', null, null, null],
        [1, 'b', 'a', 'Wrong.', 'Why?'],
      ],
    ])
  })

  test.each([
    [{ attempt: {} }, 'name it in `turns`'],
    [{ turns: 'chat', search: {} }, 'give one'],
  ])('columns %j are refused', (columns, said) => {
    expect(() => aRecipe({ generate: { imports: [{ ...IMPORT, columns }] } })).toThrow(said)
  })
})
