-- What each rule must keep, asked in another way than the filters do: aggregates and joins in place of windows.
CREATE TABLE passed AS SELECT * FROM read_parquet($path) WHERE status = 'PASSED';
CREATE TABLE predicate AS SELECT * FROM passed WHERE reasoning_tokens < 11000 AND speedup_eager > 0.5;
CREATE TABLE concise AS
  SELECT p.* FROM predicate p JOIN (SELECT task_id, median(reasoning_tokens) AS middle FROM predicate GROUP BY task_id) m USING (task_id)
  WHERE p.reasoning_tokens <= 1.8 * m.middle;
-- Of a pair of copies within a task the one with the shorter reasoning survives, then the shorter code: no speedup has an interval here.
CREATE TABLE distinct_code AS
  SELECT c.* FROM concise c
  WHERE NOT EXISTS (SELECT 1 FROM concise o WHERE o.candidate_id = c.copy_of AND o.reasoning_tokens <= c.reasoning_tokens)
    AND NOT EXISTS (SELECT 1 FROM concise o WHERE o.copy_of = c.candidate_id AND o.reasoning_tokens < c.reasoning_tokens);
CREATE TABLE shortest AS SELECT task_id, min(reasoning_tokens) AS tokens, max(speedup_eager) AS speed FROM distinct_code GROUP BY task_id;
CREATE TABLE part AS
  SELECT d.*, d.reasoning_tokens = s.tokens AND d.speedup_eager = s.speed AS concise_and_fast, d.speedup_eager > 5 AS high_speedup
  FROM distinct_code d JOIN shortest s USING (task_id);
CREATE TABLE balance AS
  SELECT candidate_id FROM (
    SELECT p.candidate_id, p.reasoning_tokens,
      (SELECT count(*) FROM part o WHERE o.task_id = p.task_id AND NOT (o.concise_and_fast OR o.high_speedup)
        AND (o.reasoning_tokens, o.candidate_id) < (p.reasoning_tokens, p.candidate_id)) AS turn
    FROM part p WHERE p.is_single_operator AND NOT (p.concise_and_fast OR p.high_speedup))
  ORDER BY turn, reasoning_tokens, candidate_id LIMIT 5000;
CREATE TABLE concur AS
  SELECT * FROM part WHERE concise_and_fast OR high_speedup OR candidate_id IN (SELECT candidate_id FROM balance);
CREATE TABLE capped AS
  SELECT c.* FROM concur c WHERE (SELECT count(*) FROM concur o WHERE o.task_id = c.task_id
    AND (o.reasoning_tokens, o.candidate_id) < (c.reasoning_tokens, c.candidate_id)) < 2;
