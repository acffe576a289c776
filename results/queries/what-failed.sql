-- What failed, how often, and why?
-- :sweep  of this sweep alone
-- said is the last line of the log, log that of the latest attempt, below the results folder.
WITH ended AS (
  SELECT *, trim(log_tail, char(10)) AS said FROM failures
  WHERE :sweep IS NULL OR sweep = :sweep
)
SELECT sweep, stage, state, message,
       replace(said, rtrim(said, replace(said, char(10), '')), '') AS said,
       count(*) AS attempts, count(DISTINCT trial) AS trials, exit_code, signal,
       max(ended) AS latest, log
FROM ended
GROUP BY sweep, stage, state, message, exit_code, signal, 5
ORDER BY attempts DESC, latest DESC;
