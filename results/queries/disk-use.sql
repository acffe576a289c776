-- What takes the disk: models, checkpoints, predictions, as the trials reported them?
-- :sweep  of this sweep alone
-- What was removed since by mvn-runner gc does not count.
SELECT sweep, stage, kind, count(*) AS artifacts, sum(bytes) / 1e6 AS mb, max(bytes) / 1e6 AS largest_mb
FROM (SELECT sweep, stage, trial, kind, path, max(bytes) AS bytes FROM artifacts
      WHERE removed IS NULL GROUP BY sweep, stage, trial, kind, path)
WHERE :sweep IS NULL OR sweep = :sweep
GROUP BY sweep, stage, kind
ORDER BY mb DESC;
