-- The schema of results.db: what a fresh database of this version of mvn-runner holds.
-- People query the views, which come last; docs/results.md explains them.
-- Made by 'mvn-runner db schema', not written by hand.

CREATE TABLE mvn_artifact (
  id      INTEGER PRIMARY KEY,
  trial   INTEGER NOT NULL REFERENCES mvn_trial ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  kind    TEXT NOT NULL,      -- 'model', 'checkpoint', ...
  path    TEXT NOT NULL,
  step    INTEGER,
  bytes   INTEGER,
  time    INTEGER NOT NULL
) STRICT;

CREATE INDEX mvn_artifact_trial ON mvn_artifact (trial, kind);

-- One row per start of a trial.
-- Column first_step:
-- Where an attempt began: the first step that it reported, or the one after the checkpoint that it
-- says it goes on from. From there on, what earlier attempts of the trial reported no longer counts
-- (see the view mvn_value). An attempt that trains the trial again from scratch has the smallest
-- number there is; NULL: it has reported nothing.
CREATE TABLE "mvn_attempt" (
  trial            INTEGER NOT NULL REFERENCES mvn_trial ON DELETE CASCADE,
  attempt          INTEGER NOT NULL,   -- 1, 2, ...
  state            TEXT NOT NULL CHECK (state IN ('running', 'done', 'diverged', 'failed',
                                                  'interrupted', 'stopped')),
  worker           TEXT NOT NULL,
  device           TEXT NOT NULL,
  started          INTEGER NOT NULL,
  ended            INTEGER,
  exit_code        INTEGER,
  signal           INTEGER,
  message          TEXT,
  log_tail         TEXT,               -- last lines of the log of an attempt that failed
  host             TEXT,               -- this and below: what the trial itself reported
  pid              INTEGER,
  resumed_step     INTEGER,
  step             INTEGER,            -- how far it came
  steps            INTEGER,            -- of how many
  reported_code    INTEGER,
  reported_message TEXT,
  spool_offset     INTEGER NOT NULL DEFAULT 0,  -- bytes of its spool that are ingested
  stop             TEXT,               -- JSON: why early_terminate ends it
  first_step INTEGER,
  PRIMARY KEY (trial, attempt)
) STRICT, WITHOUT ROWID;

CREATE INDEX mvn_attempt_running ON mvn_attempt (state) WHERE state = 'running';

-- What a transaction wants of the disk besides. It is done right after it, or by whoever next writes
-- here where a process was killed in between.
CREATE TABLE mvn_chore (
  id     INTEGER PRIMARY KEY,
  path   TEXT NOT NULL,     -- below the results folder
  source TEXT               -- what takes its place, below it, too; NULL: nothing, it is removed
) STRICT;

-- What each attempt cost: seconds, tokens, ...
CREATE TABLE mvn_cost (
  trial   INTEGER NOT NULL REFERENCES mvn_trial ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  name    TEXT NOT NULL,
  value   REAL NOT NULL,
  PRIMARY KEY (trial, attempt, name)
) STRICT, WITHOUT ROWID;

-- The draws of a search beyond the random ones that it begins with, each written down before its
-- trials start.
CREATE TABLE mvn_draw (
  sweep   INTEGER NOT NULL REFERENCES mvn_sweep ON DELETE CASCADE,
  stage   TEXT NOT NULL,
  search  TEXT NOT NULL,      -- a hash of all that the draws depend on but the results
  draw    INTEGER NOT NULL,   -- its number, from 0
  point   TEXT NOT NULL,      -- JSON: for each axis the number, or the index of its value
  created INTEGER NOT NULL,
  PRIMARY KEY (sweep, stage, search, draw)
) STRICT, WITHOUT ROWID;

-- What each attempt ran on: versions, processor, device.
CREATE TABLE mvn_environment (
  trial   INTEGER NOT NULL REFERENCES mvn_trial ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  name    TEXT NOT NULL,
  value   ANY,
  PRIMARY KEY (trial, attempt, name)
) STRICT, WITHOUT ROWID;

-- What happened besides: warnings of trials, damaged lines of spools, records of unknown types.
CREATE TABLE mvn_event (
  id      INTEGER PRIMARY KEY,
  trial   INTEGER REFERENCES mvn_trial ON DELETE CASCADE,
  attempt INTEGER,
  time    INTEGER NOT NULL,
  level   TEXT NOT NULL,      -- 'info', 'warning', 'error', 'damaged', 'unknown'
  message TEXT NOT NULL,
  record  TEXT                -- the whole record where it is not understood, JSON
) STRICT;

CREATE INDEX mvn_event_trial ON mvn_event (trial);

-- How much of a stage's metric each parameter decides. The runner works it out at the end of a run.
CREATE TABLE mvn_importance (
  sweep      INTEGER NOT NULL REFERENCES mvn_sweep ON DELETE CASCADE,
  stage      TEXT NOT NULL,
  name       TEXT NOT NULL,
  importance REAL NOT NULL,      -- all of a stage add up to 1
  trials     INTEGER NOT NULL,   -- that it rests on
  PRIMARY KEY (sweep, stage, name)
) STRICT, WITHOUT ROWID;

-- Every value of every metric. A NaN is a row whose value is NULL; infinities are stored as such.
CREATE TABLE mvn_metric (
  trial   INTEGER NOT NULL REFERENCES mvn_trial ON DELETE CASCADE,
  name    INTEGER NOT NULL REFERENCES mvn_metric_name,
  step    INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  value   REAL,
  time    INTEGER NOT NULL,
  PRIMARY KEY (trial, name, step, attempt)
) STRICT, WITHOUT ROWID;

CREATE TABLE mvn_metric_name (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE   -- 'eval/accuracy'
) STRICT;

-- The whole configuration, one row per dotted name. Lists are JSON, true and false are 1 and 0.
CREATE TABLE mvn_param (
  trial  INTEGER NOT NULL REFERENCES mvn_trial ON DELETE CASCADE,
  name   TEXT NOT NULL,
  value  ANY,
  origin TEXT NOT NULL CHECK (origin IN ('config', 'trial')),  -- 'trial': the trial chose it
  PRIMARY KEY (trial, name)
) STRICT, WITHOUT ROWID;

CREATE INDEX mvn_param_name ON mvn_param (name, value);

-- What trained models said of each example, of trials that kept their predictions.
CREATE TABLE mvn_prediction (
  trial      INTEGER NOT NULL REFERENCES mvn_trial ON DELETE CASCADE,
  split      TEXT NOT NULL CHECK (split IN ('validation', 'test')),
  example    INTEGER NOT NULL,   -- its number in the split, from 0
  label      INTEGER NOT NULL,
  predicted  INTEGER NOT NULL,
  confidence REAL,               -- probability of what is predicted
  PRIMARY KEY (trial, split, example)
) STRICT, WITHOUT ROWID;

-- What was removed of a trial's files to free disk space: an artifact of that path that was written
-- before is gone.
CREATE TABLE mvn_removed (
  trial INTEGER NOT NULL REFERENCES mvn_trial ON DELETE CASCADE,
  path  TEXT NOT NULL,      -- as in mvn_artifact
  time  INTEGER NOT NULL,
  PRIMARY KEY (trial, path)
) STRICT, WITHOUT ROWID;

-- The stages of a sweep ('' where it has none) and what each is judged by.
CREATE TABLE mvn_stage (
  sweep    INTEGER NOT NULL REFERENCES mvn_sweep ON DELETE CASCADE,
  stage    TEXT NOT NULL,
  metric   INTEGER NOT NULL REFERENCES mvn_metric_name,
  maximize INTEGER NOT NULL CHECK (maximize IN (0, 1)),
  position INTEGER NOT NULL,
  PRIMARY KEY (sweep, stage)
) STRICT, WITHOUT ROWID;

-- One row per sweep, by name.
-- Column place:
-- Where the sweep file is from the results folder. A sweep belongs to its file; where the two were
-- moved or copied together, it is still that one. NULL: not known.
CREATE TABLE mvn_sweep (
  id       INTEGER PRIMARY KEY,
  name     TEXT NOT NULL UNIQUE,
  file     TEXT NOT NULL,     -- the sweep file, absolute
  text     TEXT NOT NULL,     -- as read when the sweep last ran
  resolved TEXT NOT NULL,     -- JSON: extends and overrides applied
  version  TEXT NOT NULL,     -- of mvn-runner
  created  INTEGER NOT NULL
, place TEXT) STRICT;

-- Student's t: the 97.5 % quantile by degrees of freedom, for 95 % intervals. Between two rows the
-- smaller one's counts, which makes an interval slightly too wide rather than too narrow.
CREATE TABLE mvn_t_quantile (
  df INTEGER PRIMARY KEY,
  t  REAL NOT NULL
) STRICT;
INSERT INTO mvn_t_quantile VALUES
  (1, 12.706205),
  (2, 4.302653),
  (3, 3.182446),
  (4, 2.776445),
  (5, 2.570582),
  (6, 2.446912),
  (7, 2.364624),
  (8, 2.306004),
  (9, 2.262157),
  (10, 2.228139),
  (11, 2.200985),
  (12, 2.178813),
  (13, 2.160369),
  (14, 2.144787),
  (15, 2.13145),
  (16, 2.119905),
  (17, 2.109816),
  (18, 2.100922),
  (19, 2.093024),
  (20, 2.085963),
  (21, 2.079614),
  (22, 2.073873),
  (23, 2.068658),
  (24, 2.063899),
  (25, 2.059539),
  (26, 2.055529),
  (27, 2.051831),
  (28, 2.048407),
  (29, 2.04523),
  (30, 2.042272),
  (31, 2.039513),
  (32, 2.036933),
  (33, 2.034515),
  (34, 2.032245),
  (35, 2.030108),
  (36, 2.028094),
  (37, 2.026192),
  (38, 2.024394),
  (39, 2.022691),
  (40, 2.021075),
  (41, 2.019541),
  (42, 2.018082),
  (43, 2.016692),
  (44, 2.015368),
  (45, 2.014103),
  (46, 2.012896),
  (47, 2.011741),
  (48, 2.010635),
  (49, 2.009575),
  (50, 2.008559),
  (51, 2.007584),
  (52, 2.006647),
  (53, 2.005746),
  (54, 2.004879),
  (55, 2.004045),
  (56, 2.003241),
  (57, 2.002465),
  (58, 2.001717),
  (59, 2.000995),
  (60, 2.000298),
  (70, 1.994437),
  (80, 1.990063),
  (90, 1.986675),
  (100, 1.983972),
  (120, 1.97993),
  (150, 1.975905),
  (200, 1.971896),
  (300, 1.967903),
  (500, 1.96472),
  (1000, 1.962339),
  (1000000, 1.959966);

-- Column first_attempt:
-- A trial that was trained again from scratch: what its attempts before this one measured no
-- longer counts, though it is kept.
CREATE TABLE "mvn_trial" (
  id         INTEGER PRIMARY KEY,
  sweep      INTEGER NOT NULL REFERENCES mvn_sweep ON DELETE CASCADE,
  hash       TEXT NOT NULL,      -- SHA-256 of the resolved configuration: the trial's identity
  short      TEXT NOT NULL,      -- its first 12 digits: how people and folders call it
  stage      TEXT NOT NULL,
  group_hash TEXT NOT NULL,      -- shared by trials that differ in their seed alone
  seed       INTEGER NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('planned', 'running', 'done', 'diverged', 'failed',
                                            'interrupted', 'blocked', 'stopped')),
  reason     TEXT,               -- why it is blocked
  label      TEXT NOT NULL,      -- the swept parameters, readable: 'lr=0.001 model=mamba'
  parameters TEXT NOT NULL,      -- the same, complete, JSON
  config     TEXT NOT NULL,      -- the resolved configuration, JSON
  depends_on TEXT NOT NULL,      -- ids of trials it starts from, JSON
  position   INTEGER NOT NULL,   -- in the sweep's order
  current    INTEGER NOT NULL CHECK (current IN (0, 1)),  -- 1: in the sweep file as last run
  created    INTEGER NOT NULL,
  draw       INTEGER,            -- of a search: the number of the draw, from 0
  first_attempt INTEGER NOT NULL DEFAULT 1,
  UNIQUE (sweep, hash)
) STRICT;

CREATE INDEX mvn_trial_group ON mvn_trial (sweep, stage, group_hash, state, current, seed);

CREATE INDEX mvn_trial_short ON mvn_trial (short);

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

-- The values that count. From the first step of an attempt on, what earlier attempts of the trial
-- reported does not; and of one step of a metric, the latest attempt's does. All that speaks of
-- metrics, here and in the program, goes by this view.
CREATE VIEW mvn_value AS
SELECT m.trial, m.name, m.step, m.attempt, m.value, m.time
FROM mvn_metric m
WHERE NOT EXISTS (
  SELECT 1 FROM mvn_attempt later
  WHERE later.trial = m.trial AND later.attempt > m.attempt
    AND (later.first_step <= m.step
         OR EXISTS (SELECT 1 FROM mvn_metric again
                    WHERE again.trial = m.trial AND again.name = m.name AND again.step = m.step
                      AND again.attempt = later.attempt)));

-- Every trial, one row each. `objective` is the last value of its stage's metric, `step` how far its
-- latest attempt came.
CREATE VIEW trials AS
SELECT
  s.name AS sweep,
  t.stage,
  t.label AS params,
  t.seed,
  t.state,
  (SELECT m.value FROM mvn_value m WHERE m.trial = t.id AND m.name = g.metric
   ORDER BY m.step DESC LIMIT 1) AS objective,
  n.name AS metric,
  t.short AS trial,
  (SELECT coalesce(a.step, a.resumed_step) FROM mvn_attempt a
   WHERE a.trial = t.id AND a.attempt >= t.first_attempt
     AND coalesce(a.step, a.resumed_step) IS NOT NULL
   ORDER BY a.attempt DESC LIMIT 1) AS step,
  (SELECT a.steps FROM mvn_attempt a
   WHERE a.trial = t.id AND a.attempt >= t.first_attempt AND a.steps IS NOT NULL
   ORDER BY a.attempt DESC LIMIT 1) AS steps,
  (SELECT count(*) FROM mvn_attempt a WHERE a.trial = t.id) AS attempts,
  (SELECT round(sum(a.ended - a.started) / 1000.0, 1) FROM mvn_attempt a
   WHERE a.trial = t.id) AS seconds,
  coalesce(t.reason, (SELECT a.message FROM mvn_attempt a WHERE a.trial = t.id
                      ORDER BY a.attempt DESC LIMIT 1), '') AS message,
  (SELECT datetime(min(a.started) / 1000, 'unixepoch', 'localtime') FROM mvn_attempt a
   WHERE a.trial = t.id) AS started,
  (SELECT datetime(max(a.ended) / 1000, 'unixepoch', 'localtime') FROM mvn_attempt a
   WHERE a.trial = t.id) AS ended,
  s.name || '/' || t.short AS folder,
  t.parameters,
  t.current,
  substr(t.group_hash, 1, 12) AS group_id,
  t.hash AS id,
  t.draw
FROM mvn_trial t
JOIN mvn_sweep s ON s.id = t.sweep
LEFT JOIN mvn_stage g ON g.sweep = t.sweep AND g.stage = t.stage
LEFT JOIN mvn_metric_name n ON n.id = g.metric
ORDER BY t.id;

-- Every value of every metric, those that later attempts replaced left out.
-- A NaN has value NULL and special 'NaN', so that avg(value) is the mean of the numbers.
CREATE VIEW metrics AS
SELECT
  t.short AS trial,
  n.name,
  m.step,
  m.value,
  CASE WHEN m.value IS NULL THEN 'NaN' WHEN m.value = 9e999 THEN 'Infinity'
       WHEN m.value = -9e999 THEN '-Infinity' END AS special,
  s.name AS sweep,
  t.stage,
  t.label AS params,
  t.seed,
  m.attempt,
  datetime(m.time / 1000, 'unixepoch', 'localtime') AS time
FROM mvn_value m
JOIN mvn_metric_name n ON n.id = m.name
JOIN mvn_trial t ON t.id = m.trial
JOIN mvn_sweep s ON s.id = t.sweep;

-- The last value of every metric of every trial.
CREATE VIEW finals AS
SELECT
  t.short AS trial,
  n.name,
  m.value,
  m.step,
  s.name AS sweep,
  t.stage,
  t.label AS params,
  t.seed,
  t.state
FROM mvn_trial t
JOIN mvn_sweep s ON s.id = t.sweep
CROSS JOIN mvn_metric_name n
JOIN mvn_value m ON m.trial = t.id AND m.name = n.id
WHERE m.step = (SELECT max(x.step) FROM mvn_value x WHERE x.trial = t.id AND x.name = n.id);

-- The best value of each trial's metric, the (first) step it was reached at, and the last value.
-- Of a trial with one attempt all values count, so that they need not be looked at one by one.
CREATE VIEW best AS
WITH judged AS MATERIALIZED (
  SELECT
    t.id, g.metric, g.position, 2 * g.maximize - 1 AS sign,
    (SELECT min(a.attempt) = max(a.attempt) FROM mvn_attempt a WHERE a.trial = t.id) AS once
  FROM mvn_trial t
  JOIN mvn_stage g ON g.sweep = t.sweep AND g.stage = t.stage
), reached AS MATERIALIZED (
  SELECT *, sign * iif(once,
    (SELECT max(m.value * sign) FROM mvn_metric m WHERE m.trial = id AND m.name = metric),
    (SELECT max(m.value * sign) FROM mvn_value m WHERE m.trial = id AND m.name = metric)) AS value
  FROM judged
)
SELECT
  s.name AS sweep,
  t.stage,
  t.label AS params,
  t.seed,
  r.value AS best,
  iif(r.once,
    (SELECT m.step FROM mvn_metric m WHERE m.trial = r.id AND m.name = r.metric
     AND m.value = r.value ORDER BY m.step LIMIT 1),
    (SELECT m.step FROM mvn_value m WHERE m.trial = r.id AND m.name = r.metric
     AND m.value = r.value ORDER BY m.step LIMIT 1)) AS step,
  (SELECT m.value FROM mvn_value m WHERE m.trial = r.id AND m.name = r.metric
   AND m.value IS NOT NULL ORDER BY m.step DESC LIMIT 1) AS last,
  n.name AS metric,
  t.state,
  t.short AS trial
FROM reached r
CROSS JOIN mvn_trial t ON t.id = r.id
CROSS JOIN mvn_sweep s ON s.id = t.sweep
CROSS JOIN mvn_metric_name n ON n.id = r.metric
WHERE r.value IS NOT NULL
ORDER BY s.id, r.position, -r.sign * r.value;

-- Learning curves: each metric at each step, over the seeds of a configuration. Who asks for one
-- sweep, stage, configuration or metric has no others read: what they are asked by is grouped by.
CREATE VIEW curves AS
WITH configuration AS (
  SELECT sweep, stage, group_hash, label, max(current) AS current
  FROM mvn_trial GROUP BY sweep, stage, group_hash
), point AS (
  SELECT
    s.name AS sweep, t.stage, c.label AS params, n.name, m.step, avg(m.value) AS mean,
    count(m.value) AS n, min(m.value) AS min, max(m.value) AS max,
    substr(t.group_hash, 1, 12) AS group_id, t.group_hash, t.sweep AS sweep_id, n.id AS name_id
  FROM mvn_metric_name n
  CROSS JOIN configuration c
  CROSS JOIN mvn_sweep s ON s.id = c.sweep
  CROSS JOIN mvn_trial t
    ON t.sweep = c.sweep AND t.stage = c.stage AND t.group_hash = c.group_hash
  CROSS JOIN mvn_value m ON m.trial = t.id AND m.name = n.id
  GROUP BY s.name, t.stage, c.label, n.name, substr(t.group_hash, 1, 12), t.group_hash, m.step
)
SELECT
  sweep,
  stage,
  params,
  name,
  step,
  mean,
  n,
  CASE WHEN n > 1 THEN
    (SELECT sqrt(sum((v.value - p.mean) * (v.value - p.mean)) / (p.n - 1)) FROM mvn_trial t
     JOIN mvn_value v ON v.trial = t.id AND v.name = p.name_id AND v.step = p.step
     WHERE t.sweep = p.sweep_id AND t.stage = p.stage AND t.group_hash = p.group_hash) END AS sd,
  min,
  max,
  group_id
FROM point p;

-- Last values over the seeds of each configuration, for every metric: n trials that are done and
-- have a finite value, their mean, standard deviation, and the 95 % interval of the mean
-- (Student's t), which needs n >= 2. A count has no interval; that of a share ends at 0 and 1.
CREATE VIEW group_metrics AS
WITH final AS (
  SELECT
    t.sweep, t.stage, t.group_hash, t.label, t.current, n.id AS name, m.value,
    m.value - avg(m.value) OVER (PARTITION BY t.sweep, t.stage, t.group_hash, n.id) AS deviation
  FROM mvn_trial t
  CROSS JOIN mvn_metric_name n
  JOIN mvn_value m ON m.trial = t.id AND m.name = n.id
  WHERE t.state = 'done'
    AND abs(m.value) < 9e999
    AND m.step = (SELECT max(x.step) FROM mvn_value x WHERE x.trial = t.id AND x.name = n.id)
), spread AS (
  SELECT
    sweep, stage, group_hash, name, label, max(current) AS current,
    count(*) AS n, avg(value) AS mean, min(value) AS min, max(value) AS max,
    sqrt(sum(deviation * deviation) / nullif(count(*) - 1, 0)) AS sd
  FROM final
  GROUP BY sweep, stage, group_hash, name
), interval AS (
  SELECT
    p.*, k.name AS metric, k.kind,
    CASE WHEN k.kind <> 'count' THEN
      (SELECT q.t FROM mvn_t_quantile q WHERE q.df <= n - 1 ORDER BY q.df DESC LIMIT 1)
        * sd / sqrt(n) END AS half
  FROM spread p
  JOIN mvn_metric_kind k ON k.id = p.name
)
SELECT
  s.name AS sweep,
  i.stage,
  i.label AS params,
  i.metric AS name,
  i.n,
  i.mean,
  i.sd,
  iif(i.kind = 'share', max(i.mean - i.half, min(i.min, 0)), i.mean - i.half) AS low,
  iif(i.kind = 'share', min(i.mean + i.half, max(i.max, 1)), i.mean + i.half) AS high,
  i.min,
  i.max,
  i.kind,
  i.current,
  substr(i.group_hash, 1, 12) AS group_id
FROM interval i
JOIN mvn_sweep s ON s.id = i.sweep;

-- The objective over the seeds of each configuration.
CREATE VIEW mvn_group AS
WITH result AS (  -- used twice, so that SQLite computes it once; narrow, as there may be 100,000
  SELECT
    t.sweep, t.stage, t.group_hash, t.id, t.state, t.current,
    CASE WHEN t.state = 'done' THEN
      (SELECT iif(abs(m.value) < 9e999, m.value, NULL) FROM mvn_value m
       WHERE m.trial = t.id AND m.name = g.metric ORDER BY m.step DESC LIMIT 1) END AS value
  FROM mvn_trial t
  JOIN mvn_stage g ON g.sweep = t.sweep AND g.stage = t.stage
), summed AS (
  SELECT
    sweep, stage, group_hash, coalesce(min(id) FILTER (WHERE current = 1), min(id)) AS id,
    count(*) AS trials,
    count(*) FILTER (WHERE state = 'stopped') AS stopped, max(current) AS current,
    count(value) AS n, avg(value) AS mean, min(value) AS min, max(value) AS max
  FROM result
  GROUP BY sweep, stage, group_hash
)
SELECT s.*, g.metric, g.maximize, g.position,
    CASE WHEN n > 1 THEN
      (SELECT sqrt(sum((r.value - mean) * (r.value - mean)) / (n - 1)) FROM result r
       WHERE r.sweep = s.sweep AND r.stage = s.stage AND r.group_hash = s.group_hash) END AS sd
  FROM summed s JOIN mvn_stage g ON g.sweep = s.sweep AND g.stage = s.stage;

-- The answer: the objective over the seeds of each configuration, best first within each stage.
-- `missing` counts the trials of the configuration that gave no value (failed, not run, stopped early,
-- NaN), `stopped` those of them that were stopped early: their last value is none of a whole run.
CREATE VIEW group_stats AS
WITH ranked AS (
  SELECT *,
    CASE WHEN n > 1 THEN
      (SELECT q.t FROM mvn_t_quantile q WHERE q.df <= n - 1 ORDER BY q.df DESC LIMIT 1)
        * sd / sqrt(n) END AS half,
    CASE WHEN n > 0 THEN
      rank() OVER (PARTITION BY sweep, stage
                   ORDER BY mean IS NULL, CASE maximize WHEN 1 THEN -mean ELSE mean END) END
      AS place
  FROM mvn_group
)
SELECT
  s.name AS sweep,
  r.stage,
  r.place AS rank,
  t.label AS params,
  n,
  iif(mean IS NULL, NULL, CAST(printf('%.6g', mean) AS REAL)) AS mean,
  iif(sd IS NULL, NULL, CAST(printf('%.3g', sd) AS REAL)) AS sd,
  iif(half IS NULL, NULL, CAST(printf('%.6g', mean - half) AS REAL)) AS low,
  iif(half IS NULL, NULL, CAST(printf('%.6g', mean + half) AS REAL)) AS high,
  m.name AS metric,
  CASE maximize WHEN 1 THEN 'maximize' ELSE 'minimize' END AS goal,
  min,
  max,
  trials - n AS missing,
  stopped,
  r.current,
  substr(r.group_hash, 1, 12) AS group_id
FROM ranked r
CROSS JOIN mvn_sweep s ON s.id = r.sweep
CROSS JOIN mvn_metric_name m ON m.id = r.metric
CROSS JOIN mvn_trial t ON t.id = r.id
ORDER BY r.sweep, r.position, r.place IS NULL, r.place;

-- The best configuration of each stage beside each of the others: the difference of their means
-- and its 95 % interval (Welch's), which needs two seeds of either. What may be concluded from so
-- many looks at once is what `mvn-runner compare` answers.
CREATE VIEW comparisons AS
WITH side AS (
  SELECT
    sweep, stage, group_hash, id, metric, position, n, mean, sd * sd / n AS error,
    row_number() OVER (PARTITION BY sweep, stage
                       ORDER BY CASE maximize WHEN 1 THEN -mean ELSE mean END) AS place
  FROM mvn_group
  WHERE n > 0 AND current = 1
), pair AS (
  SELECT
    b.sweep, b.stage, b.position, b.metric, b.id AS best, o.id AS other, o.place,
    b.mean - o.mean AS difference, b.n AS n_best, o.n AS n_other,
    sqrt(b.error + o.error) AS error,
    (b.error + o.error) * (b.error + o.error)
      / nullif(b.error * b.error / (b.n - 1) + o.error * o.error / (o.n - 1), 0) AS freedom
  FROM side b
  JOIN side o ON o.sweep = b.sweep AND o.stage = b.stage AND o.place > 1
  WHERE b.place = 1
), interval AS (
  SELECT *, error * (SELECT q.t FROM mvn_t_quantile q WHERE q.df <= freedom
                     ORDER BY q.df DESC LIMIT 1) AS half
  FROM pair
)
SELECT
  s.name AS sweep,
  i.stage,
  b.label AS best,
  o.label AS other,
  i.difference,
  i.difference - i.half AS low,
  i.difference + i.half AS high,
  i.n_best,
  i.n_other,
  m.name AS metric,
  substr(b.group_hash, 1, 12) AS best_group,
  substr(o.group_hash, 1, 12) AS other_group
FROM interval i
JOIN mvn_sweep s ON s.id = i.sweep
JOIN mvn_metric_name m ON m.id = i.metric
JOIN mvn_trial b ON b.id = i.best
JOIN mvn_trial o ON o.id = i.other
ORDER BY i.sweep, i.position, i.place;

-- How much of its stage's metric each parameter decides, by PED-ANOVA (Watanabe and others, 2023);
-- of a stage they add up to 1. As of the end of the last run.
CREATE VIEW importance AS
SELECT s.name AS sweep, i.stage, i.name, i.importance, i.trials
FROM mvn_importance i
JOIN mvn_sweep s ON s.id = i.sweep
ORDER BY s.id, i.stage, i.importance DESC, i.name;

-- What trained models said of each example, of trials that kept their predictions.
CREATE VIEW predictions AS
SELECT
  t.short AS trial,
  p.split,
  p.example,
  p.label,
  p.predicted,
  p.label = p.predicted AS correct,
  p.confidence,
  s.name AS sweep,
  t.stage,
  t.label AS params,
  t.seed
FROM mvn_prediction p
JOIN mvn_trial t ON t.id = p.trial
JOIN mvn_sweep s ON s.id = t.sweep;

-- Every attempt that failed or diverged, and every trial that is blocked, newest first.
CREATE VIEW failures AS
SELECT
  s.name AS sweep,
  t.stage,
  t.label AS params,
  t.seed,
  coalesce(a.state, t.state) AS state,
  coalesce(a.message, t.reason, '') AS message,
  a.exit_code,
  a.signal,
  a.attempt,
  t.short AS trial,
  datetime(a.ended / 1000, 'unixepoch', 'localtime') AS ended,
  s.name || '/' || t.short || '/attempts/' || a.attempt || '/log.txt' AS log,
  a.log_tail
FROM mvn_trial t
JOIN mvn_sweep s ON s.id = t.sweep
LEFT JOIN mvn_attempt a ON a.trial = t.id AND a.state IN ('failed', 'diverged')
WHERE a.attempt IS NOT NULL OR t.state = 'blocked'
ORDER BY a.ended DESC;

-- Every attempt that early_terminate ended: at which value of the metric, and what it fell short of.
CREATE VIEW stops AS
SELECT
  t.short AS trial,
  a.stop ->> '$.iteration' AS iteration,
  a.stop ->> '$.value' AS value,
  a.stop ->> '$.threshold' AS threshold,
  a.stop ->> '$.peers' AS peers,
  a.stop ->> '$.reason' AS reason,
  t.state,
  s.name AS sweep,
  t.stage,
  t.label AS params,
  t.seed,
  a.attempt,
  a.stop -> '$.rule' AS rule
FROM mvn_attempt a
JOIN mvn_trial t ON t.id = a.trial
JOIN mvn_sweep s ON s.id = t.sweep
WHERE a.stop IS NOT NULL
ORDER BY s.id, a.ended;

-- How far each sweep is.
CREATE VIEW sweeps AS
SELECT
  s.name AS sweep,
  count(t.id) AS trials,
  count(*) FILTER (WHERE t.state = 'done') AS done,
  count(*) FILTER (WHERE t.state = 'stopped') AS stopped,
  count(*) FILTER (WHERE t.state = 'running') AS running,
  count(*) FILTER (WHERE t.state = 'planned') AS planned,
  count(*) FILTER (WHERE t.state IN ('failed', 'diverged')) AS failed,
  count(*) FILTER (WHERE t.state IN ('interrupted', 'blocked')) AS waiting,
  datetime(s.created / 1000, 'unixepoch', 'localtime') AS created,
  s.file
FROM mvn_sweep s
LEFT JOIN mvn_trial t ON t.sweep = s.id AND t.current = 1
GROUP BY s.id;

-- Every parameter of every trial by its dotted name.
CREATE VIEW params AS
SELECT
  t.short AS trial,
  p.name,
  p.value,
  EXISTS (SELECT 1 FROM json_each(t.parameters) j
          WHERE j.key = p.name OR p.name LIKE j.key || '.%') AS swept,
  p.origin,
  s.name AS sweep,
  t.stage,
  t.seed
FROM mvn_param p
JOIN mvn_trial t ON t.id = p.trial
JOIN mvn_sweep s ON s.id = t.sweep;

-- What each trial cost, all its attempts together; of peaks the highest.
CREATE VIEW costs AS
SELECT
  t.short AS trial,
  c.name,
  CASE WHEN c.name GLOB 'peak_*' THEN max(c.value) ELSE sum(c.value) END AS value,
  s.name AS sweep,
  t.stage,
  t.label AS params,
  t.seed
FROM mvn_cost c
JOIN mvn_trial t ON t.id = c.trial
JOIN mvn_sweep s ON s.id = t.sweep
GROUP BY c.trial, c.name;

-- Checkpoints and models that trials wrote. `removed` says when one was removed from disk again.
CREATE VIEW artifacts AS
SELECT
  t.short AS trial,
  a.kind,
  a.path,
  a.step,
  a.bytes,
  (SELECT datetime(r.time / 1000, 'unixepoch', 'localtime') FROM mvn_removed r
   WHERE r.trial = a.trial AND r.path = a.path AND r.time >= a.time) AS removed,
  s.name AS sweep,
  t.stage,
  t.label AS params,
  t.seed,
  a.attempt,
  datetime(a.time / 1000, 'unixepoch', 'localtime') AS time
FROM mvn_artifact a
JOIN mvn_trial t ON t.id = a.trial
JOIN mvn_sweep s ON s.id = t.sweep;

-- Warnings of trials, damaged lines of their spools, records of unknown types; newest first.
CREATE VIEW events AS
SELECT
  t.short AS trial,
  e.level,
  e.message,
  datetime(e.time / 1000, 'unixepoch', 'localtime') AS time,
  s.name AS sweep,
  t.stage,
  t.label AS params,
  t.seed,
  e.attempt,
  e.record
FROM mvn_event e
LEFT JOIN mvn_trial t ON t.id = e.trial
LEFT JOIN mvn_sweep s ON s.id = t.sweep
ORDER BY e.id DESC;

-- What each attempt ran on.
CREATE VIEW environments AS
SELECT
  t.short AS trial,
  e.attempt,
  e.name,
  e.value,
  s.name AS sweep,
  t.stage
FROM mvn_environment e
JOIN mvn_trial t ON t.id = e.trial
JOIN mvn_sweep s ON s.id = t.sweep;

CREATE VIEW mvn_views AS SELECT '4116f7bd530b8b974c5567140301d702089a3edb05f717e66e94e8b0a27c951b' AS hash;

PRAGMA application_id = 1836478066;
PRAGMA user_version = 7;
