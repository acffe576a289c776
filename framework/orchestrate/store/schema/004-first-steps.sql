-- Where an attempt began: the first step that it reported, or the one after the checkpoint that it
-- says it goes on from. From there on, what earlier attempts of the trial reported no longer counts
-- (see the view mvn_value). An attempt that trains the trial again from scratch has the smallest
-- number there is; NULL: it has reported nothing.
ALTER TABLE mvn_attempt ADD COLUMN first_step INTEGER;
UPDATE mvn_attempt SET first_step =
  CASE
    WHEN attempt = (SELECT t.first_attempt FROM mvn_trial t WHERE t.id = mvn_attempt.trial)
      THEN -9223372036854775808
    WHEN resumed_step > 0 THEN resumed_step + 1
    ELSE (SELECT coalesce(min(min(m.step), resumed_step), min(m.step), resumed_step)
          FROM mvn_metric m
          WHERE m.trial = mvn_attempt.trial AND m.attempt = mvn_attempt.attempt)
  END
WHERE attempt > 1;  -- the first one has none before it
-- How far it came, where it reported nothing but metrics.
UPDATE mvn_attempt SET step =
  (SELECT max(m.step) FROM mvn_metric m
   WHERE m.trial = mvn_attempt.trial AND m.attempt = mvn_attempt.attempt)
WHERE step IS NULL;
-- Where the sweep file is from the results folder. A sweep belongs to its file; where the two were
-- moved or copied together, it is still that one. NULL: not known.
ALTER TABLE mvn_sweep ADD COLUMN place TEXT;
