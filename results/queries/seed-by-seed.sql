-- Mamba against GPT-Neo, or any two values of a parameter, seed by seed: which is better?
-- :sweep  of this sweep alone
-- :by     the parameter (model.plugin)
-- :a      its one value (mamba)
-- :b      its other value (gptneo)
-- Pairs share stage, seed and all that the sweep varies outside of the parameter's section.
WITH arm AS (
  SELECT t.sweep, t.stage, t.seed, t.trial, t.objective, p.value,
         (SELECT json_group_object(key, value)
          FROM (SELECT key, value FROM json_each(t.parameters)
                WHERE key <> coalesce(:by, 'model.plugin') AND key <> 'seed'
                  AND substr(key || '.', 1, instr(coalesce(:by, 'model.plugin') || '.', '.'))
                   <> substr(coalesce(:by, 'model.plugin') || '.', 1,
                             instr(coalesce(:by, 'model.plugin') || '.', '.'))
                ORDER BY key)) AS rest
  FROM trials t
  JOIN params p USING (sweep, trial)
  WHERE p.name = coalesce(:by, 'model.plugin') AND t.state = 'done' AND t.current = 1
    AND (:sweep IS NULL OR t.sweep = :sweep)
)
SELECT a.sweep, a.stage, a.seed, a.rest AS others, a.objective AS a, b.objective AS b,
       a.objective - b.objective AS difference, a.trial AS trial_a, b.trial AS trial_b
FROM arm a
JOIN arm b USING (sweep, stage, seed, rest)
WHERE a.value = coalesce(:a, 'mamba') AND b.value = coalesce(:b, 'gptneo')
ORDER BY sweep, stage, others, seed;
