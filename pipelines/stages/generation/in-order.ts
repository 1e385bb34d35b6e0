/** How much may be under way. */
export interface OrderLimits {
  /** Items that are worked on at the same time. */
  readonly active: number
  /** Items that are worked on, or done and waiting for one before them. */
  readonly held: number
}

interface Slot<Out> {
  result: { readonly value: Out } | null
}

/**
 * Works on several items at a time and gives the results in the order of the items. After a failure nothing new begins, what is under
 * way comes to its end, since it may be paid for, and then the failure is thrown.
 */
export async function* mapInOrder<In, Out>(
  items: AsyncIterable<In>,
  limits: OrderLimits,
  work: (item: In) => Promise<Out>,
): AsyncGenerator<Out> {
  const iterator = items[Symbol.asyncIterator]()
  const slots: Slot<Out>[] = []
  const failures: unknown[] = []
  let active = 0
  let isAtEnd = false
  let wake: () => void = () => undefined

  async function start(item: In, slot: Slot<Out>): Promise<void> {
    active += 1
    try {
      slot.result = { value: await work(item) }
    } catch (error) {
      failures.push(error)
    } finally {
      active -= 1
      wake()
    }
  }
  async function startMore(): Promise<void> {
    while (failures.length === 0 && !isAtEnd && active < limits.active && slots.length < limits.held) {
      const next = await iterator.next()
      if (next.done === true) isAtEnd = true
      else {
        const slot: Slot<Out> = { result: null }
        slots.push(slot)
        void start(next.value, slot)
      }
    }
  }
  for (;;) {
    await startMore()
    const [head] = slots
    if (failures.length > 0 ? active === 0 : head === undefined) break
    if (failures.length === 0 && head !== undefined && head.result !== null) {
      slots.shift()
      yield head.result.value
    } else await new Promise<void>((resolve) => (wake = resolve))
  }
  await iterator.return?.()
  if (failures.length > 0) throw failures[0]
}
