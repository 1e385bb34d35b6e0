/** Splits of the dataset, in the order the card names them. */
export const SPLITS = ['train'] as const
export type Split = (typeof SPLITS)[number]

/**
 * The split a row belongs to, by task: candidates of one task never part. Rows without a task, such as rejects, have no
 * reason to be held out.
 */
export function splitOf(_taskId: string | null): Split {
  return 'train'
}
