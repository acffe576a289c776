-- What does each value of each swept parameter make of the objective, all else taken together?
-- :sweep  of this sweep alone
-- Only trials that are done count. A mean over what else varies says nothing of pairs of parameters.
SELECT t.sweep, t.stage, j.key AS parameter, j.value, count(t.objective) AS n,
       avg(t.objective) AS mean, min(t.objective) AS min, max(t.objective) AS max, t.metric
FROM trials t, json_each(t.parameters) j
WHERE t.state = 'done' AND t.current = 1 AND j.key <> 'seed'
  AND (:sweep IS NULL OR t.sweep = :sweep)
GROUP BY t.sweep, t.stage, j.key, j.value
ORDER BY t.sweep, t.stage, parameter, mean DESC;
