-- What was removed of a trial's files to free disk space: an artifact of that path that was written
-- before is gone.
CREATE TABLE mvn_removed (
  trial INTEGER NOT NULL REFERENCES mvn_trial ON DELETE CASCADE,
  path  TEXT NOT NULL,      -- as in mvn_artifact
  time  INTEGER NOT NULL,
  PRIMARY KEY (trial, path)
) STRICT, WITHOUT ROWID;

-- What a transaction wants of the disk besides. It is done right after it, or by whoever next writes
-- here where a process was killed in between.
CREATE TABLE mvn_chore (
  id     INTEGER PRIMARY KEY,
  path   TEXT NOT NULL,     -- below the results folder
  source TEXT               -- what takes its place, below it, too; NULL: nothing, it is removed
) STRICT;
