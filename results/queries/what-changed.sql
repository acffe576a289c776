-- What was not the same for all attempts of a sweep: machines, versions, plugins, data?
-- :sweep  of this sweep alone
SELECT e.sweep, e.name, e.value, count(*) AS attempts, min(a.started) AS first, max(a.started) AS last
FROM environments e
JOIN (SELECT t.short AS trial, s.name AS sweep, a.attempt,
             datetime(a.started / 1000, 'unixepoch', 'localtime') AS started
      FROM mvn_attempt a JOIN mvn_trial t ON t.id = a.trial JOIN mvn_sweep s ON s.id = t.sweep) a
  USING (sweep, trial, attempt)
WHERE (:sweep IS NULL OR e.sweep = :sweep)
  AND (SELECT count(DISTINCT value) FROM environments o
       WHERE o.sweep = e.sweep AND o.name = e.name) > 1
GROUP BY e.sweep, e.name, e.value
ORDER BY e.sweep, e.name, first;
