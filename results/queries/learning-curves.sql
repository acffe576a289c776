-- How does each configuration learn: the mean over its seeds, step by step?
-- :sweep   of this sweep alone
-- :metric  this metric; else the one that the stage is judged by
SELECT s.name AS sweep, t.stage, t.label AS params, n.name AS metric, m.step,
       avg(m.value) AS mean, min(m.value) AS min, max(m.value) AS max, count(m.value) AS seeds
FROM mvn_stage g
JOIN mvn_sweep s ON s.id = g.sweep
JOIN mvn_metric_name n
  ON n.id = coalesce((SELECT id FROM mvn_metric_name WHERE name = :metric),
                     iif(:metric IS NULL, g.metric, NULL))
JOIN mvn_trial t ON t.sweep = g.sweep AND t.stage = g.stage AND t.current = 1
JOIN mvn_value m ON m.trial = t.id AND m.name = n.id
WHERE :sweep IS NULL OR s.name = :sweep
GROUP BY g.sweep, g.position, t.group_hash, m.step
ORDER BY s.id, g.position, min(t.position), m.step;
