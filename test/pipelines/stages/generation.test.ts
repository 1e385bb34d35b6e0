import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { feedbackOnAnswer, feedbackOnEvaluations } from '../../../extractors/prompts/feedback.ts'
import type { Evaluation } from '../../../pipelines/core/records/evaluation.ts'
import { outcomeOf } from '../../../pipelines/stages/generation/candidate-judge.ts'
import { mapInOrder } from '../../../pipelines/stages/generation/in-order.ts'
import { aCandidate, aPerformance, aTask, aWorkload, anEvaluation } from '../../records.ts'

const WORKLOADS = [aWorkload({}), aWorkload({ N: '65', dtype: 'torch.float16' })]
const TASK = aTask({ workloads: WORKLOADS })

const ASKED = { language: 'cuda', form: 'python' } as const

describe('work in order', () => {
  test('gives results in the order of the items, with as many under way as allowed', async () => {
    let active = 0
    let most = 0
    const results = mapInOrder(numbers(30), { active: 4, held: 10 }, async (number) => {
      active += 1
      most = Math.max(most, active)
      await sleep((number * 7) % 5)
      active -= 1
      return number
    })
    expect(await Array.fromAsync(results)).toEqual(Array.from({ length: 30 }, (_, number) => number))
    expect(most).toBe(4)
  })

  test('does not run far ahead of an item that takes long', async () => {
    const { promise, resolve } = Promise.withResolvers<void>()
    let started = 0
    const results = mapInOrder(numbers(100), { active: 4, held: 10 }, async (number) => {
      started += 1
      if (number === 0) await promise
      return number
    })
    const all = Array.fromAsync(results)
    await sleep(50)
    expect(started).toBe(10)
    resolve()
    expect(await all).toHaveLength(100)
  })

  test('begins nothing after a failure, and lets what is under way come to its end', async () => {
    const ended: number[] = []
    const results = mapInOrder(numbers(100), { active: 3, held: 30 }, async (number) => {
      await sleep(number === 1 ? 5 : 30)
      if (number === 1) throw new Error('no server')
      ended.push(number)
      return number
    })
    await expect(Array.fromAsync(results)).rejects.toThrow('no server')
    expect(ended).toEqual([0, 2])
  })
})

describe('feedback', () => {
  test.each([
    ['COMPILE_ERROR', 'build', 'NVCC_FAILED', /does not compile:\n\nthe log/],
    ['RUNTIME_ERROR', 'run', 'EXCEPTION', /fails when it runs \(EXCEPTION\):\n\nthe log/],
    ['TIMEOUT', 'run', 'HANG', /did not end in time \(HANG\)/],
    ['INCORRECT_NUMERICAL', 'compare', 'WRONG_VALUE', /returns is wrong \(WRONG_VALUE\):\n\nthe log/],
    ['INCORRECT_SHAPE', 'compare', 'WRONG_SHAPE', /returns is wrong \(WRONG_SHAPE\)/],
    ['REWARD_HACK', 'integrity', 'HACK_PATCH', /is not accepted \(HACK_PATCH\)/],
  ] as const)('on %s says what happened', (status, stage, cause, said) => {
    const failure = evaluation(0, { status, stage, cause, blame: 'candidate', log: 'the log' })
    expect(feedbackOnEvaluations([failure], TASK, ASKED)).toMatch(said)
  })

  test('asks for a source file where one was asked for', () => {
    const failure = evaluation(0, { status: 'COMPILE_ERROR', blame: 'candidate', log: 'the log' })
    const said = feedbackOnEvaluations([failure], TASK, { language: 'cuda', form: 'native' })
    expect(said).toBe(
      'Your source file does not compile:\n\nthe log\n\nCorrect it. Give the whole source file in one `cuda` code block, the last of your answer.',
    )
    expect(feedbackOnAnswer('nothing', { language: 'cpp', form: 'native' })).toContain('extern "C" int run')
  })

  test('names the workload that failed first', () => {
    const failure = evaluation(1, { status: 'INCORRECT_NUMERICAL', blame: 'candidate', log: 'output 0 at [3]' })
    expect(feedbackOnEvaluations([evaluation(0), failure], TASK, ASKED)).toContain(
      'For N = 65, dtype = torch.float16:\noutput 0 at [3]',
    )
  })

  test('keeps both ends of a long log', () => {
    const log = `first error${'x'.repeat(20_000)}last line`
    const feedback = feedbackOnEvaluations(
      [evaluation(0, { status: 'COMPILE_ERROR', blame: 'candidate', log })],
      TASK,
      ASKED,
    )
    expect(feedback).toMatch(/first error[\s\S]*\[\.\.\.\][\s\S]*last line/)
    expect(feedback.length).toBeLessThan(5000)
  })

  test('on a right answer gives times and what ptxas says', () => {
    const kernel = {
      name: 'scale',
      registers: 40,
      shared_bytes: 0,
      stack_bytes: 0,
      spill_store_bytes: 4,
      spill_load_bytes: 4,
    }
    const build = { compiler: 'nvcc', artifact_sha256: null, method: 'split', fallback: null, kernels: [kernel] }
    const evaluations = [evaluation(0, { performance: aPerformance(2), build }), evaluation(1)]
    expect(feedbackOnEvaluations(evaluations, TASK, ASKED))
      .toBe(`Your module is right. It takes 1.00 ms; PyTorch takes 2.00 ms, 2.00 times that (between 1.80 and 2.20).
It could not be timed for N = 65, dtype = torch.float16.

scale: 40 registers per thread, 0 bytes of static shared memory, 8 bytes of registers spilled to local memory.

Make it faster without making it wrong. Give the whole module in one \`python\` code block, the last of your answer.`)
  })

  test('says where a profiler saw the time go, and what torch.compile takes', () => {
    const part = (name: string, origin: 'own' | 'library' | 'memory', share: number, num_calls = 1) => ({ name, origin, share, num_calls }) // prettier-ignore
    const parts = [
      part('scale', 'own', 0.604, 2),
      part('cublas_gemm', 'library', 0.3),
      part('curate::own', 'own', 0.02),
    ]
    const compile = { baseline: 'compile', latency_ms: 1.5, speedup: 1.5, speedup_ci_low: 1, speedup_ci_high: 2, reason: null } as const // prettier-ignore
    const none = { ...compile, baseline: 'max_autotune', latency_ms: null, speedup: null } as const
    const slow = evaluation(1, {
      performance: { ...aPerformance(2), latency_ms: 3, baselines: [compile, none] },
      work: { own_kernel_share: 0.624, library_share: 0.3, parts },
    })
    const quick = evaluation(0, { performance: aPerformance(2), work: { own_kernel_share: 1, library_share: 0, parts: [part('other', 'own', 1)] } }) // prettier-ignore
    const said = feedbackOnEvaluations([quick, slow], TASK, ASKED)
    expect(said).toContain('With torch.compile PyTorch takes 1.50 ms, 1.50 times yours.\n\nOf the time')
    expect(said).toContain(`
Of the time of a call 62 % goes to code of yours, 30 % to that of libraries, and 8 % to filling and copying. What takes longest:
- scale, 2 times: 60 %
- cublas_gemm, once: 30 %, not yours
- functions of your extension, once: 2 %

Make it faster`)
  })
})

test.each([
  [[evaluation(0), evaluation(1)], 'passed'],
  [[evaluation(0), evaluation(1, { status: 'TIMEOUT', blame: 'candidate' })], 'failed'],
  [[evaluation(0), evaluation(1, { status: 'NOT_RUN' })], 'unknown'],
  [[evaluation(0, { status: 'INVALID_REFERENCE', blame: 'task' })], 'unknown'],
  [[], 'unknown'],
] as const)('verdicts on all workloads come to one outcome (%#)', (evaluations, kind) => {
  expect(outcomeOf(evaluations).kind).toBe(kind)
})

async function* numbers(count: number): AsyncGenerator<number> {
  for (let number = 0; number < count; number += 1) yield number
}

function evaluation(workload: number, fields: Partial<Evaluation> = {}): Evaluation {
  return anEvaluation(aCandidate(TASK), { workload_id: WORKLOADS[workload]?.id ?? '', ...fields })
}
