-- Which configuration is best in each stage, and how sure is that?
-- :sweep  of this sweep alone
-- low and high are the ends of the 95 % interval of the mean over the seeds.
SELECT sweep, stage, params, n, mean, low, high, metric, goal, missing
FROM group_stats
WHERE rank = 1 AND current = 1 AND (:sweep IS NULL OR sweep = :sweep)
ORDER BY sweep, stage;
