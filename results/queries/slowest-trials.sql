-- Which trials took longest, and how long is a step of theirs?
-- :sweep  of this sweep alone
-- :top    so many of them (10)
SELECT sweep, stage, params, seed, seconds, step, seconds / nullif(step, 0) AS seconds_per_step,
       attempts, state, trial
FROM trials
WHERE seconds IS NOT NULL AND (:sweep IS NULL OR sweep = :sweep)
ORDER BY seconds DESC
LIMIT coalesce(:top, 10);
