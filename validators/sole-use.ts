/** Who works on a GPU: many together, or one of them with nobody else there. */
export interface SoleUse {
  /** Does work beside others, once nobody is alone there. */
  together<Result>(work: () => Promise<Result>): Promise<Result>
  /** Waits until all work that others have begun has ended, lets none begin, and does its own. Not from within `together`. */
  alone<Result>(work: () => Promise<Result>): Promise<Result>
}

/** Nobody works there yet. Whoever wants to be alone goes before those who come later, so that it is not passed over for ever. */
export function soleUse(): SoleUse {
  let users = 0
  let taken: Promise<void> | null = null
  let whenEmpty: (() => void) | null = null
  const isTaken = (): boolean => taken !== null
  return {
    together: async (work) => {
      while (isTaken()) await taken
      users += 1
      try {
        return await work()
      } finally {
        users -= 1
        if (users === 0) whenEmpty?.()
      }
    },
    alone: async (work) => {
      while (isTaken()) await taken
      const { promise, resolve } = Promise.withResolvers<void>()
      taken = promise
      if (users > 0) await new Promise<void>((done) => (whenEmpty = done))
      try {
        return await work()
      } finally {
        whenEmpty = null
        taken = null
        resolve()
      }
    },
  }
}
