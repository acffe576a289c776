-- What the runner stores. Times are milliseconds since 1970 UTC. People query the views.

-- One row per sweep, by name.
CREATE TABLE mvn_sweep (
  id       INTEGER PRIMARY KEY,
  name     TEXT NOT NULL UNIQUE,
  file     TEXT NOT NULL,     -- the sweep file, absolute
  text     TEXT NOT NULL,     -- as read when the sweep last ran
  resolved TEXT NOT NULL,     -- JSON: extends and overrides applied
  version  TEXT NOT NULL,     -- of mvn-runner
  created  INTEGER NOT NULL
) STRICT;

CREATE TABLE mvn_metric_name (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE   -- 'eval/accuracy'
) STRICT;

-- The stages of a sweep ('' where it has none) and what each is judged by.
CREATE TABLE mvn_stage (
  sweep    INTEGER NOT NULL REFERENCES mvn_sweep ON DELETE CASCADE,
  stage    TEXT NOT NULL,
  metric   INTEGER NOT NULL REFERENCES mvn_metric_name,
  maximize INTEGER NOT NULL CHECK (maximize IN (0, 1)),
  position INTEGER NOT NULL,
  PRIMARY KEY (sweep, stage)
) STRICT, WITHOUT ROWID;

CREATE TABLE mvn_trial (
  id         INTEGER PRIMARY KEY,
  sweep      INTEGER NOT NULL REFERENCES mvn_sweep ON DELETE CASCADE,
  hash       TEXT NOT NULL,      -- SHA-256 of the resolved configuration: the trial's identity
  short      TEXT NOT NULL,      -- its first 12 digits: how people and folders call it
  stage      TEXT NOT NULL,
  group_hash TEXT NOT NULL,      -- shared by trials that differ in their seed alone
  seed       INTEGER NOT NULL,
  state      TEXT NOT NULL CHECK (state IN ('planned', 'running', 'done', 'diverged', 'failed',
                                            'interrupted', 'blocked')),
  reason     TEXT,               -- why it is blocked
  label      TEXT NOT NULL,      -- the swept parameters, readable: 'lr=0.001 model=mamba'
  parameters TEXT NOT NULL,      -- the same, complete, JSON
  config     TEXT NOT NULL,      -- the resolved configuration, JSON
  depends_on TEXT NOT NULL,      -- ids of trials it starts from, JSON
  position   INTEGER NOT NULL,   -- in the sweep's order
  current    INTEGER NOT NULL CHECK (current IN (0, 1)),  -- 1: in the sweep file as last run
  created    INTEGER NOT NULL,
  UNIQUE (sweep, hash)
) STRICT;
CREATE INDEX mvn_trial_short ON mvn_trial (short);
CREATE INDEX mvn_trial_group ON mvn_trial (sweep, stage, group_hash);

-- One row per start of a trial.
CREATE TABLE mvn_attempt (
  trial            INTEGER NOT NULL REFERENCES mvn_trial ON DELETE CASCADE,
  attempt          INTEGER NOT NULL,   -- 1, 2, ...
  state            TEXT NOT NULL CHECK (state IN ('running', 'done', 'diverged', 'failed',
                                                  'interrupted')),
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
  PRIMARY KEY (trial, attempt)
) STRICT, WITHOUT ROWID;
CREATE INDEX mvn_attempt_running ON mvn_attempt (state) WHERE state = 'running';

-- The whole configuration, one row per dotted name. Lists are JSON, true and false are 1 and 0.
CREATE TABLE mvn_param (
  trial  INTEGER NOT NULL REFERENCES mvn_trial ON DELETE CASCADE,
  name   TEXT NOT NULL,
  value  ANY,
  origin TEXT NOT NULL CHECK (origin IN ('config', 'trial')),  -- 'trial': the trial chose it
  PRIMARY KEY (trial, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX mvn_param_name ON mvn_param (name, value);

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

-- What each attempt ran on: versions, processor, device.
CREATE TABLE mvn_environment (
  trial   INTEGER NOT NULL REFERENCES mvn_trial ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  name    TEXT NOT NULL,
  value   ANY,
  PRIMARY KEY (trial, attempt, name)
) STRICT, WITHOUT ROWID;

-- What each attempt cost: seconds, tokens, ...
CREATE TABLE mvn_cost (
  trial   INTEGER NOT NULL REFERENCES mvn_trial ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  name    TEXT NOT NULL,
  value   REAL NOT NULL,
  PRIMARY KEY (trial, attempt, name)
) STRICT, WITHOUT ROWID;

-- Student's t: the 97.5 % quantile by degrees of freedom, for 95 % intervals. Between two rows the
-- smaller one's counts, which makes an interval slightly too wide rather than too narrow.
CREATE TABLE mvn_t_quantile (
  df INTEGER PRIMARY KEY,
  t  REAL NOT NULL
) STRICT;
INSERT INTO mvn_t_quantile (df, t) VALUES
  (1, 12.706205), (2, 4.302653), (3, 3.182446), (4, 2.776445), (5, 2.570582), (6, 2.446912),
  (7, 2.364624), (8, 2.306004), (9, 2.262157), (10, 2.228139), (11, 2.200985), (12, 2.178813),
  (13, 2.160369), (14, 2.144787), (15, 2.131450), (16, 2.119905), (17, 2.109816), (18, 2.100922),
  (19, 2.093024), (20, 2.085963), (21, 2.079614), (22, 2.073873), (23, 2.068658), (24, 2.063899),
  (25, 2.059539), (26, 2.055529), (27, 2.051831), (28, 2.048407), (29, 2.045230), (30, 2.042272),
  (31, 2.039513), (32, 2.036933), (33, 2.034515), (34, 2.032245), (35, 2.030108), (36, 2.028094),
  (37, 2.026192), (38, 2.024394), (39, 2.022691), (40, 2.021075), (41, 2.019541), (42, 2.018082),
  (43, 2.016692), (44, 2.015368), (45, 2.014103), (46, 2.012896), (47, 2.011741), (48, 2.010635),
  (49, 2.009575), (50, 2.008559), (51, 2.007584), (52, 2.006647), (53, 2.005746), (54, 2.004879),
  (55, 2.004045), (56, 2.003241), (57, 2.002465), (58, 2.001717), (59, 2.000995), (60, 2.000298),
  (70, 1.994437), (80, 1.990063), (90, 1.986675), (100, 1.983972), (120, 1.979930),
  (150, 1.975905), (200, 1.971896), (300, 1.967903), (500, 1.964720), (1000, 1.962339),
  (1000000, 1.959966);
