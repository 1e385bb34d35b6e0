import { SURVIVOR_ORDER } from './survivor-order.ts'

/** A column of facts that names a cluster, and how far clusters reach. */
interface Duplicates {
  readonly cluster: string
  readonly within: 'task' | 'dataset'
  /** Candidates kept of each cluster. */
  readonly most: number
  readonly reason: string
}

/** Keeps the first ones of each cluster in the order of survivors; what is in no cluster stays. */
export function keepFirstOfCluster(candidates: string, { cluster, within, most, reason }: Duplicates): string {
  const partition = within === 'task' ? `task_id, ${cluster}` : cluster
  return `SELECT candidate_id, ${cluster} IS NULL OR place <= ${most} AS keep, '${reason}' AS reason,
      'duplicate of ' || survivor AS detail, CAST(place AS DOUBLE) AS score, CAST(${most} AS DOUBLE) AS threshold
    FROM (SELECT *, row_number() OVER cluster AS place, first(candidate_id) OVER cluster AS survivor
      FROM ${candidates} WINDOW cluster AS (PARTITION BY ${partition} ORDER BY ${SURVIVOR_ORDER}))`
}
