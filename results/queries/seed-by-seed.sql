-- Mamba against GPT-Neo, or any two values of a parameter, seed by seed: which is better?
-- :sweep  of this sweep alone
-- :by     the parameter (model.plugin)
-- :a      its one value (mamba)
-- :b      its other value (gptneo)
-- Pairs share stage, seed and all else that the sweep varies; with a plugin goes its whole section.
WITH chosen AS (
  SELECT coalesce(:by, 'model.plugin') AS name, coalesce(:a, 'mamba') AS a,
         coalesce(:b, 'gptneo') AS b
), arm AS (
  SELECT t.sweep, t.stage, t.seed, t.trial, t.objective, p.value,
         (SELECT json_group_object(key, value)
          FROM (SELECT key, value FROM json_each(t.parameters)
                WHERE key NOT IN (c.name, 'seed')
                  AND NOT (c.name GLOB '*.plugin'
                           AND key || '.' GLOB substr(c.name, 1, length(c.name) - 6) || '*')
                ORDER BY key)) AS others
  FROM chosen c
  JOIN params p ON p.name = c.name
  JOIN trials t ON t.sweep = p.sweep AND t.trial = p.trial
  WHERE t.state = 'done' AND t.current = 1 AND (:sweep IS NULL OR t.sweep = :sweep)
)
SELECT a.sweep, a.stage, a.others, a.seed, a.objective AS a, b.objective AS b,
       a.objective - b.objective AS difference, a.trial AS trial_a, b.trial AS trial_b
FROM chosen c
JOIN arm a ON a.value = c.a
JOIN arm b ON b.value = c.b AND b.sweep = a.sweep AND b.stage = a.stage AND b.seed = a.seed
  AND b.others = a.others
ORDER BY a.sweep, a.stage, a.others, a.seed;
