-- What each metric is, by its name; this decides what is said of it. The one place with this rule.
--   count  how many there are: no interval, and neither more nor less is better
--   share  of a whole: its interval ends at 0 and 1, and neither more nor less is better
--   loss   less is better
--   rate   a second: more is better
--   score  all others: more is better
CREATE VIEW mvn_metric_kind AS
SELECT
  id,
  name,
  CASE
    WHEN name GLOB '*/predicted/*' OR name GLOB '*/labelled/*'
      OR '/' || name GLOB '*/examples' OR '/' || name GLOB '*/texts' OR '/' || name GLOB '*/tokens'
      OR '/' || name GLOB '*/documents' OR name GLOB '*_count' OR name GLOB '*/count'
      THEN 'count'
    WHEN '/' || name GLOB '*/padding' OR '/' || name GLOB '*/majority'
      OR '/' || name GLOB '*/truncated' OR name GLOB '*_share' OR name GLOB '*_fraction'
      THEN 'share'
    WHEN name GLOB '*per_second'
      THEN 'rate'
    WHEN name GLOB '*loss' OR name GLOB '*perplexity' OR name GLOB '*error' OR name GLOB '*nll'
      OR name GLOB '*bits_per_byte' OR name GLOB '*bits_per_token'
      OR '/' || name GLOB '*/mse' OR '/' || name GLOB '*/rmse' OR '/' || name GLOB '*/mae'
      OR '/' || name GLOB '*/wer' OR '/' || name GLOB '*/cer'
      THEN 'loss'
    ELSE 'score'
  END AS kind
FROM mvn_metric_name;
