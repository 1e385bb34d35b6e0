-- Five samples of every task. Of one task in ten the fifth sample is the first with other comments, of another the first with other names
-- and one changed line; every other code differs in most of its lines. `copy_of` says so, and is not read by what is measured.
COPY (
  WITH sample AS (
    SELECT i, i // 5 AS task, i % 5 AS sample, hash(i // 5 * 23) % 10 AS kind FROM range($rows) numbers(i)),
  coded AS (
    SELECT *, CASE WHEN sample = 4 AND kind < 2 THEN i - 4 ELSE i END AS text_of,
      CASE WHEN sample = 4 AND kind = 1 THEN 'value' ELSE 'acc' END AS name FROM sample)
  SELECT
    'c' || lpad(i::VARCHAR, 9, '0') AS candidate_id,
    't' || lpad(task::VARCHAR, 9, '0') AS task_id,
    'def kernel(x, y, n):' || chr(10)
      || CASE WHEN sample = 4 AND kind = 0 THEN '    # written again' || chr(10) ELSE '' END
      || list_aggregate(list_transform(range(8), lambda line: '    ' || name || line || ' = load(x + ' || (hash(text_of * 31 + line) % 97)
        || ' * n) ' || ['+', '-', '*', '/'][1 + (hash(text_of * 37 + line) % 4)::INTEGER] || ' '
        || ['exp', 'tanh', 'sqrt', 'abs', 'log', 'erf', 'floor', 'rsqrt'][1 + (hash(text_of * 41 + line) % 8)::INTEGER] || '(y + '
        || CASE WHEN sample = 4 AND kind = 1 AND line = 6 THEN 1000 ELSE hash(text_of * 43 + line) % 89 END || ')'), 'string_agg', chr(10))
      || chr(10) || '    return ' || name || '7' || chr(10) AS code,
    'triton' AS language, 'generated' AS origin, 'a-model' AS generator,
    (200 + hash(i * 7) % 12000)::BIGINT AS reasoning_tokens, 'o200k_base' AS tokenizer,
    CASE WHEN hash(i * 17) % 4 = 0 THEN 'INCORRECT_NUMERICAL' ELSE 'PASSED' END AS status,
    round(exp((hash(i * 13) % 4000) / 1000.0 - 1.5), 4) AS speedup_eager,
    hash(task * 19) % 3 = 0 AS is_single_operator,
    CASE WHEN sample = 4 AND kind < 2 THEN 'c' || lpad((i - 4)::VARCHAR, 9, '0') END AS copy_of
  FROM coded ORDER BY i
) TO $path (FORMAT parquet, ROW_GROUP_SIZE 20000)
