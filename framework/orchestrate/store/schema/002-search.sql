-- Trials that a search draws as the sweep goes, and trials that are stopped early. A CHECK cannot be
-- altered: the two tables whose states gain one are made anew.

CREATE TABLE mvn_trial_2 (
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
  UNIQUE (sweep, hash)
) STRICT;
INSERT INTO mvn_trial_2 SELECT id, sweep, hash, short, stage, group_hash, seed, state, reason, label,
  parameters, config, depends_on, position, current, created, NULL FROM mvn_trial;
DROP TABLE mvn_trial;
ALTER TABLE mvn_trial_2 RENAME TO mvn_trial;
CREATE INDEX mvn_trial_short ON mvn_trial (short);
CREATE INDEX mvn_trial_group ON mvn_trial (sweep, stage, group_hash);

CREATE TABLE mvn_attempt_2 (
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
  PRIMARY KEY (trial, attempt)
) STRICT, WITHOUT ROWID;
INSERT INTO mvn_attempt_2 SELECT trial, attempt, state, worker, device, started, ended, exit_code,
  signal, message, log_tail, host, pid, resumed_step, step, steps, reported_code, reported_message,
  spool_offset, NULL FROM mvn_attempt;
DROP TABLE mvn_attempt;
ALTER TABLE mvn_attempt_2 RENAME TO mvn_attempt;
CREATE INDEX mvn_attempt_running ON mvn_attempt (state) WHERE state = 'running';

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
