-- What failed, how often, and why?
-- :sweep  of this sweep alone
-- The log is that of the latest attempt that failed so, below the results folder.
SELECT sweep, stage, state, message, count(*) AS attempts, count(DISTINCT trial) AS trials,
       exit_code, signal, max(ended) AS latest, log
FROM failures
WHERE :sweep IS NULL OR sweep = :sweep
GROUP BY sweep, stage, state, message, exit_code, signal
ORDER BY attempts DESC, latest DESC;
