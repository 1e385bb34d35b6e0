-- Five samples of every task without code: figures alone, for the rules that compare them. Lengths and speeds take few values, so that
-- the SQL of bench/selection/scores-expected.sql can count without windows.
COPY (
  WITH sample AS (SELECT i, i // 5 AS task FROM range($rows) numbers(i)),
  timed AS (SELECT *, round(exp((hash(i * 13) % 360) / 100.0 - 1.2), 2) AS speed FROM sample)
  SELECT
    'c' || lpad(i::VARCHAR, 9, '0') AS candidate_id, 't' || lpad(task::VARCHAR, 9, '0') AS task_id,
    ['triton', 'cuda'][1 + (hash(i * 3) % 2)::INTEGER] AS language, 'generated' AS origin, 'a-model' AS generator,
    'owner/library-' || hash(i * 11) % 150 AS repo_name,
    ['matmul', 'softmax', 'reduction', 'elementwise'][1 + (hash(task * 5) % 4)::INTEGER] AS operator_family,
    (500 + 100 * (hash(i * 7) % 40))::BIGINT AS reasoning_tokens, 'o200k_base' AS tokenizer,
    CASE WHEN hash(i * 17) % 5 = 0 THEN 'RUNTIME_ERROR' ELSE 'PASSED' END AS status, 'gpu' AS proved_on, 'a-gpu' AS hardware,
    CASE WHEN hash(i * 29) % 20 > 0 THEN speed END AS speedup_eager,
    CASE WHEN hash(i * 29) % 20 > 0 THEN round(speed * 0.95, 2) END AS speedup_eager_ci_low,
    CASE WHEN hash(i * 29) % 20 > 0 THEN round(speed * 1.05, 2) END AS speedup_eager_ci_high,
    CASE WHEN hash(i * 29) % 20 > 0 THEN round(speed * (40 + hash(i * 31) % 60) / 100.0, 2) + 0.01 END AS speedup_best_ci_low,
    CASE WHEN hash(i * 37) % 10 > 0 THEN (hash(i * 41) % 115) / 100.0 END AS roofline_share
  FROM timed ORDER BY i
) TO $path (FORMAT parquet, ROW_GROUP_SIZE 20000)
