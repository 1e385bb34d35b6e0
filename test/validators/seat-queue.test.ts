import { describe, expect, test } from 'vitest'
import { CONTROL } from '../../validators/control.ts'
import type { Question } from '../../validators/judge-process.ts'
import { seatQueue } from '../../validators/seat-queue.ts'
import { planSeats } from '../../validators/seats.ts'

describe('a queue before seats', () => {
  test('chooses what a judge is asked first when it is ready, not before', async () => {
    const { queue, asked, ready } = await aQueue(1)
    const replies = [built('first'), plain('second')].map((question) => queue.ask(question, null))
    expect(asked).toEqual([])
    ready.resolve()
    expect(await Promise.all(replies)).toEqual(['first', 'second'])
    expect(asked).toEqual(['second', 'first'])
  })

  test('starts no more judges than there are questions', async () => {
    const { queue, ready, woken } = await aQueue(3)
    const replies = [queue.ask(plain('a'), null), queue.ask(plain('b'), null)]
    ready.resolve()
    await Promise.all(replies)
    expect(woken).toHaveLength(2)
  })

  test('asks all the same where no judge could be started: whoever asked is told why', async () => {
    const { queue, ready, woken } = await aQueue(1)
    ready.resolve()
    expect(await queue.ask(plain('a'), null)).toBe('a')
    expect(await queue.ask(plain('b'), null)).toBe('b')
    expect(woken).toHaveLength(2)
  })
})

describe('a start that failed', () => {
  test('is tried anew where nobody waited for it any more', async () => {
    const { queue, ready, woken } = await aQueue(2)
    const replies = [queue.ask(plain('a'), null), queue.ask(plain('b'), null)].map((reply) => reply.catch(String))
    queue.clear(new Error('gone'))
    ready.resolve()
    expect(await Promise.all(replies)).toEqual(['Error: gone', 'Error: gone'])
    await ready.promise
    expect(woken).toHaveLength(2)
    expect(await queue.ask(plain('c'), null)).toBe('c')
    expect(woken).toHaveLength(3)
  })
})

// No judge is ever there: `wake` says that it did what it could.
async function aQueue(workers: number) {
  const seats = await planSeats({ workers, cacheFolder: '/nowhere', onProcessor: true })
  const ready = Promise.withResolvers<void>()
  const asked: string[] = []
  const woken: string[] = []
  const queue = seatQueue<string>(seats, {
    wake: async ({ options: { slot } }) => {
      woken.push(slot)
      await ready.promise
    },
    ask: async (_, question) => {
      asked.push(question.task.id)
      return question.task.id
    },
  })
  return { queue, asked, woken, ready }
}

function plain(id: string): Question {
  return { type: 'evaluate', ...CONTROL, task: { ...CONTROL.task, id } }
}

function built(id: string): Question {
  const question = plain(id)
  if (question.type !== 'evaluate') throw new TypeError('not a candidate')
  const sources = [{ path: 'candidate.py', content: 'from torch.utils.cpp_extension import load_inline' }]
  return { ...question, candidate: { ...question.candidate, form: 'python', sources } }
}
