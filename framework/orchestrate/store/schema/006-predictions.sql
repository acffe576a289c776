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
-- How much of a stage's metric each parameter decides. The runner works it out at the end of a run.
CREATE TABLE mvn_importance (
  sweep      INTEGER NOT NULL REFERENCES mvn_sweep ON DELETE CASCADE,
  stage      TEXT NOT NULL,
  name       TEXT NOT NULL,
  importance REAL NOT NULL,      -- all of a stage add up to 1
  trials     INTEGER NOT NULL,   -- that it rests on
  PRIMARY KEY (sweep, stage, name)
) STRICT, WITHOUT ROWID;
