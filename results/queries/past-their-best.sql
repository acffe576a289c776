-- Which trials ended worse than they once were: trained too long, or overfitted?
-- :sweep  of this sweep alone
-- :top    so many of them (10)
SELECT sweep, stage, params, seed, best, step AS best_at, last, abs(best - last) AS lost, metric, trial
FROM best
WHERE best <> last AND (:sweep IS NULL OR sweep = :sweep)
ORDER BY lost DESC
LIMIT coalesce(:top, 10);
