/** What is known of a question that waits for a judge. */
export interface Waiting {
  readonly taskId: string
  /** Whether something has to be built before it can be judged. */
  readonly waitsForBuilds: boolean
  /** How often others that came later were asked first. */
  numPassed: number
}

/**
 * Place of the question to ask next: one about a task that a free judge knows already, since a reference need not be proved
 * again; else one that nothing has to be built for, since builds go on meanwhile. Nobody is passed for ever, as `numPassed` is counted.
 */
export function nextQuestion(waiting: readonly Waiting[], knownTasks: ReadonlySet<string | null>): number {
  const near = waiting.slice(0, LOOK_AHEAD)
  const isOverdue = waiting[0] !== undefined && waiting[0].numPassed >= LOOK_AHEAD
  const known = isOverdue ? 0 : near.findIndex(({ taskId }) => knownTasks.has(taskId))
  const ready = near.findIndex(({ waitsForBuilds }) => !waitsForBuilds)
  return [known, ready, 0].find((place) => place >= 0) ?? 0
}

const LOOK_AHEAD = 32
