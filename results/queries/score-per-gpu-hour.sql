-- How much accuracy does an hour of a GPU (or, without one, of the processor) buy?
-- :sweep  of this sweep alone
-- Of configurations that are done; a loss has no score per hour.
WITH spent AS (
  SELECT a.trial, sum(a.ended - a.started) / 3.6e6 AS hours, max(a.device) AS device
  FROM mvn_attempt a GROUP BY a.trial
)
SELECT g.sweep, g.stage, g.params, g.n, g.mean, g.metric, x.device,
       x.hours AS hours_per_trial,
       iif(g.goal = 'maximize', g.mean / x.hours, NULL) AS score_per_hour
FROM group_stats g
JOIN (SELECT t.sweep, t.stage, substr(t.group_hash, 1, 12) AS group_id, max(p.device) AS device,
             avg(p.hours) AS hours
      FROM mvn_trial t JOIN spent p ON p.trial = t.id
      WHERE t.state = 'done' GROUP BY t.sweep, t.stage, t.group_hash) x
  ON x.sweep = (SELECT id FROM mvn_sweep WHERE name = g.sweep) AND x.stage = g.stage
 AND x.group_id = g.group_id
WHERE g.current = 1 AND x.hours > 0 AND (:sweep IS NULL OR g.sweep = :sweep)
ORDER BY score_per_hour DESC, hours_per_trial;
