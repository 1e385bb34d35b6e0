import { setImmediate } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { soleUse } from '../../validators/sole-use.ts'

describe('one of several users of a GPU', () => {
  test('is alone there from when the others have ended until it has, and goes before those who came later', async () => {
    const use = soleUse()
    const seen: string[] = []
    const first = task(seen, 'first')
    const [alone, second, later] = [task(seen, 'alone'), task(seen, 'second'), task(seen, 'later')]
    const all = [use.together(first.work), use.alone(alone.work), use.alone(second.work), use.together(later.work)]
    await setImmediate()
    expect(seen).toEqual(['first begins'])
    for (const { end } of [first, alone, second, later]) {
      end()
      await setImmediate()
    }
    await Promise.all(all)
    expect(seen).toEqual(['first', 'alone', 'second', 'later'].flatMap((name) => [`${name} begins`, `${name} ends`]))
  })

  test('leaves the GPU to others when its work fails', async () => {
    const use = soleUse()
    await expect(use.alone(() => Promise.reject(new Error('no memory')))).rejects.toThrow('no memory')
    await expect(use.together(() => Promise.reject(new Error('lost')))).rejects.toThrow('lost')
    expect(await use.alone(() => Promise.resolve('judged'))).toBe('judged')
    expect(await Promise.all([1, 2].map((number) => use.together(() => Promise.resolve(number))))).toEqual([1, 2])
  })
})

function task(seen: string[], name: string): { work: () => Promise<void>; end: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  const work = async (): Promise<void> => {
    seen.push(`${name} begins`)
    await promise
    seen.push(`${name} ends`)
  }
  return { work, end: resolve }
}
