-- What each rule that compares figures must keep, by aggregates, joins and sorted lists in place of windows. Rules about one
-- candidate are asked about all of them, rules over the dataset about what all before kept.
CREATE TABLE given AS SELECT * FROM read_parquet($path);
CREATE TABLE ratio AS
  SELECT g.candidate_id, g.reasoning_tokens / m.middle AS ratio
  FROM given g JOIN (SELECT task_id, median(reasoning_tokens) AS middle FROM given GROUP BY task_id) m USING (task_id);
CREATE TABLE right_ones AS SELECT * FROM given WHERE status = 'PASSED';
CREATE TABLE fast AS SELECT * FROM given WHERE speedup_best_ci_low IS NULL OR speedup_best_ci_low >= 1.1;
CREATE TABLE not_far AS SELECT * FROM given WHERE roofline_share >= 0.2 AND roofline_share <= 1.05;
CREATE TABLE near_peak AS
  SELECT * FROM right_ones WHERE candidate_id IN (SELECT candidate_id FROM fast) AND candidate_id IN (SELECT candidate_id FROM not_far);
CREATE TABLE scored AS
  SELECT n.*, 0.5 * ln(n.speedup_eager_ci_low) + 0.5 * ln(m.middle / n.reasoning_tokens) AS score,
    EXISTS (SELECT 1 FROM near_peak o WHERE o.task_id = n.task_id AND o.reasoning_tokens < n.reasoning_tokens
      AND o.speedup_eager_ci_low > n.speedup_eager_ci_high) AS dominated
  FROM near_peak n JOIN (SELECT task_id, median(reasoning_tokens) AS middle FROM near_peak GROUP BY task_id) m USING (task_id);
CREATE TABLE best AS
  SELECT s.* FROM scored s WHERE s.speedup_eager_ci_low > 5 OR (NOT s.dominated AND s.score IS NOT NULL
    AND (SELECT count(*) FROM scored o WHERE o.task_id = s.task_id AND NOT o.dominated
      AND (o.score > s.score OR (o.score = s.score AND o.candidate_id < s.candidate_id))) < 2);
CREATE TABLE of_library AS
  SELECT unnest(list(candidate_id ORDER BY speedup_eager_ci_low DESC NULLS LAST, reasoning_tokens, candidate_id)[1:1400]) AS candidate_id
  FROM best GROUP BY repo_name;
CREATE TABLE of_matmul AS
  SELECT candidate_id FROM best WHERE operator_family = 'matmul'
  ORDER BY speedup_eager_ci_low DESC NULLS LAST, reasoning_tokens, candidate_id LIMIT 30000;
CREATE TABLE capped AS
  SELECT * FROM best WHERE candidate_id IN (SELECT candidate_id FROM of_library)
    AND (operator_family <> 'matmul' OR candidate_id IN (SELECT candidate_id FROM of_matmul));
CREATE TABLE by_speed AS
  WITH counted AS (SELECT coalesce(speedup_eager_ci_low, -1) AS speed, count(*) AS rows FROM capped GROUP BY 1)
  SELECT a.speed, sum(b.rows) AS below FROM counted a JOIN counted b ON b.speed <= a.speed GROUP BY 1;
CREATE TABLE by_length AS
  WITH counted AS (SELECT ratio, count(*) AS rows FROM capped JOIN ratio USING (candidate_id) GROUP BY 1)
  SELECT a.ratio, sum(b.rows) AS longer FROM counted a JOIN counted b ON b.ratio >= a.ratio GROUP BY 1;
CREATE TABLE own AS
  SELECT c.candidate_id, c.operator_family, c.language,
    (s.below::DOUBLE / (SELECT count(*) FROM capped) + l.longer::DOUBLE / (SELECT count(*) FROM capped)) / 2 AS own
  FROM capped c JOIN ratio r USING (candidate_id) JOIN by_speed s ON s.speed = coalesce(c.speedup_eager_ci_low, -1)
    JOIN by_length l ON l.ratio = r.ratio;
CREATE TABLE diverse AS
  WITH kind AS (SELECT list({id: candidate_id, own: own} ORDER BY own DESC, candidate_id) AS members FROM own GROUP BY operator_family, language),
  placed AS (SELECT unnest(members) AS member, generate_subscripts(members, 1) AS place FROM kind)
  SELECT member.id AS candidate_id FROM placed ORDER BY member.own * pow(0.9998, place - 1) DESC, member.id LIMIT 60000;
