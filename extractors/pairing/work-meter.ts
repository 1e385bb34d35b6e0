/** Counts the work that a search costs, in steps that are the same on every machine. */
export interface WorkMeter {
  spend(steps: number): void
  /** Whether more was spent than a test, or all tests of its file together, may cost. */
  isSpent(): boolean
  /** Begins a test; `isFirst` begins a file too. */
  begin(isFirst: boolean): void
}

/** What pairing may cost at most. */
export interface WorkLimits {
  readonly testSteps: number
  readonly fileSteps: number
}

/** Starts counting. `others` are the steps that were counted elsewhere, ever. */
export function workMeter({ testSteps, fileSteps }: WorkLimits, others: () => number): WorkMeter {
  let own = 0
  let [test, file] = [0, 0]
  const total = (): number => own + others()
  return {
    spend: (steps) => {
      own += steps
    },
    isSpent: () => total() - test > testSteps || total() - file > fileSteps,
    begin: (isFirst) => {
      test = total()
      if (isFirst) file = test
    },
  }
}
