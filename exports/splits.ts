import { sha256 } from '../pipelines/core/hash.ts'

/** Splits of a dataset, in the order the card names them. */
export const SPLITS = ['train', 'validation', 'test'] as const
export type Split = (typeof SPLITS)[number]

/** Shares of what goes to the other splits than train, 0 to 1. */
export interface SplitShares {
  readonly validation: number
  readonly test: number
}

/** A task with what it may not be parted from. */
export interface SplitTask {
  readonly taskId: string
  /** Tasks with the same group share a repository or a cluster. */
  readonly group: string
  /** Repository of the reference, which is what is held out; null where the task stands alone. */
  readonly repository: string | null
}

/** The splits that have rows of their own: train, and those with a share. */
export function splitsOf(shares: SplitShares): Split[] {
  return SPLITS.filter((split) => split === 'train' || shares[split] > 0)
}

/**
 * The split of every task. A repository, or a task that has none, is drawn by a hash of its name alone, so that nothing that comes
 * or goes elsewhere changes it. Where a group holds several, the one that is trained on decides, then validation: what was once in
 * `train` never turns up in another split when a dataset grows, and no group is divided.
 */
export function assignSplits(tasks: Iterable<SplitTask>, shares: SplitShares): Map<string, Split> {
  const drawn = [...tasks].map(({ taskId, group, repository }) => ({
    taskId,
    group,
    split: draw(repository?.toLowerCase() ?? taskId, shares),
  }))
  const ofGroup = new Map<string, Split>()
  for (const { group, split } of drawn) {
    const known = ofGroup.get(group)
    if (known === undefined || SPLITS.indexOf(split) < SPLITS.indexOf(known)) ofGroup.set(group, split)
  }
  return new Map(drawn.map(({ taskId, group }) => [taskId, ofGroup.get(group) ?? 'train']))
}

function draw(name: string, { validation, test }: SplitShares): Split {
  const place = Number.parseInt(sha256(`split ${name}`).slice(0, 12), 16) / 16 ** 12
  if (place < test) return 'test'
  return place < test + validation ? 'validation' : 'train'
}
