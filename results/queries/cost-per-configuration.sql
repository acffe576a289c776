-- What did each configuration cost, all its trials and attempts together?
-- :sweep  of this sweep alone
-- GPU hours are those of attempts that ran on one, from their start to their end.
WITH attempt AS (
  SELECT trial, sum(ended - started) / 3.6e6 AS hours,
         sum(iif(device GLOB 'cuda*', ended - started, 0)) / 3.6e6 AS gpu_hours
  FROM mvn_attempt GROUP BY trial
), cost AS (
  SELECT trial,
         sum(iif(name = 'tokens', value, NULL)) AS tokens,
         sum(iif(name = 'energy_joules', value, NULL)) / 3.6e6 AS kwh,
         max(iif(name = 'peak_host_bytes', value, NULL)) / 1e9 AS host_gb,
         max(iif(name = 'peak_device_bytes', value, NULL)) / 1e9 AS device_gb
  FROM mvn_cost GROUP BY trial
)
SELECT s.name AS sweep, t.stage, t.label AS params, count(*) AS trials,
       round(sum(a.hours), 4) AS hours, round(sum(a.gpu_hours), 4) AS gpu_hours,
       sum(c.tokens) AS tokens, sum(c.kwh) AS kwh,
       max(c.host_gb) AS host_gb, max(c.device_gb) AS device_gb
FROM mvn_trial t
JOIN mvn_sweep s ON s.id = t.sweep
JOIN attempt a ON a.trial = t.id
LEFT JOIN cost c ON c.trial = t.id
WHERE :sweep IS NULL OR s.name = :sweep
GROUP BY t.sweep, t.stage, t.group_hash
ORDER BY sum(a.hours) DESC;
