-- Which warnings did trials give, how often, and where first?
-- :sweep  of this sweep alone
SELECT level, message, count(*) AS times, count(DISTINCT trial) AS trials, min(time) AS first,
       max(time) AS latest, trial, sweep
FROM events
WHERE level <> 'info' AND (:sweep IS NULL OR sweep = :sweep)
GROUP BY level, message
ORDER BY times DESC;
