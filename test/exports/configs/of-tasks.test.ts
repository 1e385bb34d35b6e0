import { describe, expect, it } from 'vitest'
import { candidates } from '../../../exports/configs/candidates.ts'
import { multiturn } from '../../../exports/configs/multiturn.ts'
import { preference } from '../../../exports/configs/preference.ts'
import { promptCompletion } from '../../../exports/configs/prompt-completion.ts'
import { repair } from '../../../exports/configs/repair.ts'
import { rl } from '../../../exports/configs/rl.ts'
import { tasks } from '../../../exports/configs/tasks.ts'
import type { TrajectoryTurn } from '../../../pipelines/core/records/trajectory.ts'
import { aCandidate, aDecision, aReasoning, aTask, anEvaluation } from '../../records.ts'
import { aSelection, datasetOf, rowsOf, tableOf } from '../selections.ts'

const task = aTask()
const failed = aCandidate(task, { id: 'failed', sources: [{ path: 'kernel.py', content: 'x = (\n' }] })
const fixed = aCandidate(task, { id: 'fixed', reasoning: aReasoning(5, { text: 'close it' }) })
const failure = anEvaluation(failed, {
  status: 'COMPILE_ERROR',
  stage: 'build',
  cause: 'SYNTAX',
  log: "'(' was never closed",
})

const wrong = await aSelection(
  { task, candidate: failed, evaluations: [failure], isSelected: false },
  { near_cluster: 'c' },
)
const right = await aSelection(
  { task, candidate: fixed, evaluations: [anEvaluation(fixed)] },
  { near_cluster: 'c', speedup_eager: 2 },
)

function turn(fields: Partial<TrajectoryTurn>): TrajectoryTurn {
  const none = { parent_id: null, reasoning: null, feedback: null, change: null, commit_sha: null, authored_at: null }
  return {
    trajectory_id: 'tr',
    task_id: task.id,
    turn: 0,
    candidate_id: 'failed',
    evidence: [],
    source: 'example',
    ...none,
    ...fields,
  }
}

const trajectory = [
  turn({}),
  turn({ turn: 1, candidate_id: 'fixed', parent_id: 'failed', reasoning: aReasoning(2, { text: 'close it' }) }),
]
const dataset = datasetOf([wrong, right], { trajectories: [trajectory] })

describe('the config multiturn', () => {
  it('lets the validator speak between the answers, and the reasoning before each', async () => {
    const [row] = await tableOf(multiturn, dataset)
    const messages = JSON.stringify(row?.['messages'])
    expect(messages).toMatch(/x = \(.*COMPILE_ERROR \(build SYNTAX\).*was never closed.*<think>\\nclose it\\n<\/think>/)
    expect(row).toMatchObject({
      num_turns: 2,
      candidate_ids: ['failed', 'fixed'],
      statuses: ['COMPILE_ERROR', 'PASSED'],
      final_speedup: 2,
    })
  })

  it('takes the feedback that the model was really given', async () => {
    const told = [turn({}), turn({ turn: 1, candidate_id: 'fixed', feedback: 'Look at the brackets.' })]
    const [row] = await tableOf(multiturn, datasetOf([wrong, right], { trajectories: [told] }))
    expect(JSON.stringify(row?.['messages'])).toContain('Look at the brackets.')
  })

  it('says how far each reasoning belongs to its code: that of a revision by its turn, that of a model by its answer', async () => {
    const scored = { ...right, facts: { ...right.facts, trace_score: 0.75 } }
    const turns = [turn({ trace_score: 0.5 }), turn({ turn: 1, candidate_id: 'fixed' })]
    const [row] = await tableOf(multiturn, datasetOf([wrong, scored], { trajectories: [turns] }))
    expect(row?.['trace_scores']).toEqual([0.5, 0.75])
    const [unscored] = await tableOf(multiturn, dataset)
    expect(unscored?.['trace_scores']).toEqual([null, null])
  })

  it('leaves out what ends badly, has one turn, or holds text that nobody may pass on', async () => {
    const backwards = [turn({ candidate_id: 'fixed' }), turn({ turn: 1, candidate_id: 'failed' })]
    expect(
      await rowsOf(multiturn, datasetOf([wrong, right], { trajectories: [backwards, trajectory.slice(1)] })),
    ).toEqual([])
    const secret = { ...wrong, isPublishable: false }
    expect(await rowsOf(multiturn, datasetOf([secret, right], { trajectories: [trajectory] }))).toEqual([])
  })
})

describe('the config repair', () => {
  it('asks with what failed and why, and answers with what passed', async () => {
    const [row, ...others] = await tableOf(repair, dataset)
    expect(others).toEqual([])
    expect(row).toMatchObject({
      pair: 'trajectory',
      failed_candidate_id: 'failed',
      candidate_id: 'fixed',
      status: 'COMPILE_ERROR',
      stage: 'build',
    })
    expect(JSON.stringify(row?.['prompt'])).toContain('was never closed')
    expect(JSON.stringify(row?.['completion'])).toContain('close it')
  })

  it('also pairs nearly the same codes of a task, and none that nobody may pass on', async () => {
    const [row] = await tableOf(repair, datasetOf([wrong, right]))
    expect(row).toMatchObject({ pair: 'near_duplicate' })
    expect(await rowsOf(repair, datasetOf([{ ...wrong, isPublishable: false }, right]))).toEqual([])
  })
})

describe('the config preference', () => {
  it('has prompt, chosen and rejected as DPO reads them, with the reason', async () => {
    const [row] = await tableOf(preference, dataset)
    expect(row).toMatchObject({
      reason: 'compiles_over_not',
      margin: null,
      chosen: [{ role: 'assistant' }],
      rejected: [{ role: 'assistant' }],
    })
    expect(await rowsOf(preference, dataset, { reasons: ['faster'] })).toEqual([])
  })
})

describe('the config rl', () => {
  it('asks for each language once and holds what a verifier needs', async () => {
    const rows = await tableOf(rl, dataset)
    expect(rows.map(({ language, extra_info }) => [language, extra_info])).toMatchObject([
      ['triton', { index: 0 }],
      ['cuda', { index: 1 }],
    ])
    const [row] = rows
    expect(JSON.parse(String(Object(row?.['reward_model']).ground_truth))).toMatchObject({ reference: task.reference })
    expect(row).toMatchObject({ solved_share: 0.5, best_speedup: 2, data_source: 'curate' })
  })

  it('leaves out what nobody solved, unless the recipe wants it', async () => {
    expect(await rowsOf(rl, datasetOf([wrong]))).toEqual([])
    expect(await rowsOf(rl, datasetOf([wrong]), { require_solved: false, languages: ['triton'] })).toHaveLength(1)
  })
})

describe('the config prompt-completion', () => {
  it('divides the conversation of sft', async () => {
    const [row] = await tableOf(promptCompletion, dataset)
    expect(row).toMatchObject({
      prompt: [{ role: 'user' }],
      completion: [{ role: 'assistant' }],
      candidate_id: 'fixed',
    })
  })
})

describe('the config candidates', () => {
  it('has every candidate with what each filter said, so that another selection is a filter on it', async () => {
    const decisions = [
      aDecision(failed, { filter: 'passed@1', keep: false }),
      aDecision(failed, { filter: 'concur@1', parts: ['high_speedup'] }),
    ]
    const [row, other] = await tableOf(candidates, datasetOf([{ ...wrong, decisions }, right]))
    expect(row).toMatchObject({
      candidate_id: 'failed',
      selected: false,
      selected_by: ['concur@1', 'concur@1:high_speedup'],
      near_cluster: 'c',
    })
    expect(other).toMatchObject({ candidate_id: 'fixed', selected: true, reasoning: 'close it' })
  })

  it('withholds text that licence or safety forbid, and nothing else of the row', async () => {
    const [row] = await tableOf(candidates, datasetOf([{ ...right, isPublishable: false }]))
    expect(row).toMatchObject({
      code: null,
      sources: null,
      reasoning: null,
      reference: null,
      candidate_id: 'fixed',
      speedup_eager: 2,
    })
  })
})

describe('the config tasks', () => {
  it('counts the candidates of every task', async () => {
    expect(await tableOf(tasks, dataset)).toMatchObject([
      { num_candidates: 2, num_passed: 1, num_selected: 1, best_speedup: 2, reference: task.reference },
    ])
    const secret = [wrong, right].map((each) => ({ ...each, isPublishable: false }))
    expect(await tableOf(tasks, datasetOf(secret))).toMatchObject([{ reference: null }])
  })
})
