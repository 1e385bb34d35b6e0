import type { BudgetOptions } from './endpoint-options.ts'

/** What something takes, or may take. */
export interface Amount {
  readonly requests: number
  readonly tokens: number
  readonly cost: number
}

/** Caps on what may be spent. */
export interface Budget {
  readonly spent: Amount
  /**
   * Whether something that takes at most `most` may begin. Questions are decided one after another, in the order they are asked: one
   * that might not fit waits until it is known what those before it took. Once one does not fit, none after it begins.
   */
  admit(most: Promise<Amount>): Promise<boolean>
  /** Whether so much fits beside what is spent or admitted. */
  fits(most: Amount): boolean
  /** What an admitted thing really took, instead of the most it might have. */
  settle(most: Amount, really: Amount): void
  /** Something that nobody admitted was spent all the same. */
  spend(amount: Amount): void
}

export const NOTHING: Amount = { requests: 0, tokens: 0, cost: 0 }

/** Opens a budget of which `before` is spent already. */
export function openBudget(caps: BudgetOptions, before: Amount): Budget {
  let spent = before
  let reserved = NOTHING
  let isExhausted = false
  let last: Promise<unknown> = Promise.resolve()
  let wake: () => void = () => undefined

  const isWithin = (amount: Amount): boolean =>
    (caps.requests === null || amount.requests <= caps.requests) &&
    (caps.tokens === null || amount.tokens <= caps.tokens) &&
    (caps.cost === null || amount.cost <= caps.cost * (1 + ROUNDING))

  async function decide(most: Amount): Promise<boolean> {
    while (!isExhausted) {
      if (isWithin(add(add(spent, reserved), most))) {
        reserved = add(reserved, most)
        return true
      }
      if (!isWithin(add(spent, most)) || isNothing(reserved)) isExhausted = true
      else await new Promise<void>((resolve) => (wake = resolve))
    }
    return false
  }
  return {
    get spent() {
      return spent
    },
    async admit(most) {
      const turn = last.then(async () => decide(await most))
      last = turn.catch(() => undefined)
      return turn
    },
    fits: (most) => isWithin(add(add(spent, reserved), most)),
    settle(most, really) {
      reserved = add(reserved, most, -1)
      spent = add(spent, really)
      wake()
    },
    spend(amount) {
      spent = add(spent, amount)
      wake()
    },
  }
}

// Sums of prices are not exact.
const ROUNDING = 1e-9

export function add(a: Amount, b: Amount, sign = 1): Amount {
  return { requests: a.requests + sign * b.requests, tokens: a.tokens + sign * b.tokens, cost: a.cost + sign * b.cost }
}

function isNothing({ requests }: Amount): boolean {
  return requests === 0
}
