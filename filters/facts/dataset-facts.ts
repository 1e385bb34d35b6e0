import { SURVIVOR_ORDER } from '../survivor-order.ts'

/**
 * The facts that follow from all candidates together, as SQL over `own`, the facts of each by itself with its signatures, and
 * `clusters`. Lengths are compared within the task and under one tokenizer: pooled over tasks they measure difficulty (ConCuR,
 * arXiv 2510.07356, whose reviewers asked for this).
 */
export function datasetFactsQuery(own: string, clusters: string): string {
  return `WITH measured AS (
      SELECT candidate_id, task_id, reasoning_tokens, speedup_eager,
        count(*) OVER task AS task_candidates,
        avg(reasoning_tokens) OVER measure AS arl,
        CASE WHEN reasoning_tokens IS NOT NULL THEN rank() OVER (measure ORDER BY reasoning_tokens NULLS LAST) END AS reasoning_rank,
        reasoning_tokens / nullif(median(reasoning_tokens) OVER measure, 0) AS reasoning_ratio,
        CASE WHEN speedup_eager IS NOT NULL THEN rank() OVER (task ORDER BY speedup_eager DESC NULLS LAST) END AS speedup_rank,
        CASE WHEN code_hash IS NOT NULL THEN first(candidate_id) OVER (PARTITION BY task_id, code_hash ORDER BY ${SURVIVOR_ORDER}) END AS exact_cluster,
        CASE WHEN reference_graph IS NOT NULL THEN min(task_id) OVER (PARTITION BY reference_graph) END AS semantic_cluster
      FROM ${own} WINDOW task AS (PARTITION BY task_id), measure AS (PARTITION BY task_id, tokenizer))
    SELECT measured.candidate_id, task_candidates, arl,
      CASE WHEN arl < ${ARL_BINS.medium} THEN 'easy' WHEN arl <= ${ARL_BINS.hard} THEN 'medium' WHEN arl IS NOT NULL THEN 'hard' END AS arl_bin,
      reasoning_rank, reasoning_ratio, speedup_rank, exact_cluster, near_cluster, reference_cluster, semantic_cluster, split_group
    FROM measured JOIN ${clusters} clusters ON clusters.candidate_id = measured.candidate_id`
}

/** Mean lengths from which tasks count as medium and as hard, tokens (arXiv 2510.07356, with ten generations a task). */
const ARL_BINS = { medium: 4000, hard: 8500 }
