-- A database as schema 3 left it: trials of several attempts, of which later ones went on from
-- before the end of earlier ones.
BEGIN TRANSACTION;
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
  PRIMARY KEY (trial, attempt)
) STRICT, WITHOUT ROWID;
INSERT INTO "mvn_attempt" VALUES(1,1,'failed','worker 1','cpu',1000,2000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL);
INSERT INTO "mvn_attempt" VALUES(1,2,'done','worker 1','cpu',1000,2000,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL);
INSERT INTO "mvn_attempt" VALUES(2,1,'done','worker 1','cpu',1000,2000,NULL,NULL,NULL,NULL,NULL,NULL,0,9,9,NULL,NULL,0,NULL);
INSERT INTO "mvn_attempt" VALUES(2,2,'done','worker 1','cpu',1000,2000,NULL,NULL,NULL,NULL,NULL,NULL,0,1,9,NULL,NULL,0,NULL);
INSERT INTO "mvn_attempt" VALUES(3,1,'interrupted','worker 1','cpu',1000,2000,NULL,NULL,NULL,NULL,NULL,NULL,0,9,20,NULL,NULL,0,NULL);
INSERT INTO "mvn_attempt" VALUES(3,2,'interrupted','worker 1','cpu',1000,2000,NULL,NULL,NULL,NULL,NULL,NULL,4,8,20,NULL,NULL,0,NULL);
CREATE TABLE mvn_cost (
  trial   INTEGER NOT NULL REFERENCES mvn_trial ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  name    TEXT NOT NULL,
  value   REAL NOT NULL,
  PRIMARY KEY (trial, attempt, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE mvn_draw (
  sweep   INTEGER NOT NULL REFERENCES mvn_sweep ON DELETE CASCADE,
  stage   TEXT NOT NULL,
  search  TEXT NOT NULL,      -- a hash of all that the draws depend on but the results
  draw    INTEGER NOT NULL,   -- its number, from 0
  point   TEXT NOT NULL,      -- JSON: for each axis the number, or the index of its value
  created INTEGER NOT NULL,
  PRIMARY KEY (sweep, stage, search, draw)
) STRICT, WITHOUT ROWID;
CREATE TABLE mvn_environment (
  trial   INTEGER NOT NULL REFERENCES mvn_trial ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  name    TEXT NOT NULL,
  value   ANY,
  PRIMARY KEY (trial, attempt, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE mvn_event (
  id      INTEGER PRIMARY KEY,
  trial   INTEGER REFERENCES mvn_trial ON DELETE CASCADE,
  attempt INTEGER,
  time    INTEGER NOT NULL,
  level   TEXT NOT NULL,      -- 'info', 'warning', 'error', 'damaged', 'unknown'
  message TEXT NOT NULL,
  record  TEXT                -- the whole record where it is not understood, JSON
) STRICT;
CREATE TABLE mvn_metric (
  trial   INTEGER NOT NULL REFERENCES mvn_trial ON DELETE CASCADE,
  name    INTEGER NOT NULL REFERENCES mvn_metric_name,
  step    INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  value   REAL,
  time    INTEGER NOT NULL,
  PRIMARY KEY (trial, name, step, attempt)
) STRICT, WITHOUT ROWID;
INSERT INTO "mvn_metric" VALUES(1,1,20,1,4.0,1500);
INSERT INTO "mvn_metric" VALUES(1,1,23,2,0.5,1500);
INSERT INTO "mvn_metric" VALUES(1,1,25,1,5.0,1500);
INSERT INTO "mvn_metric" VALUES(2,1,1,1,0.5,1500);
INSERT INTO "mvn_metric" VALUES(2,1,1,2,0.125,1500);
INSERT INTO "mvn_metric" VALUES(2,1,9,1,0.75,1500);
INSERT INTO "mvn_metric" VALUES(3,1,4,1,0.5,1500);
INSERT INTO "mvn_metric" VALUES(3,1,8,2,0.25,1500);
INSERT INTO "mvn_metric" VALUES(3,1,9,1,0.75,1500);
CREATE TABLE mvn_metric_name (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE   -- 'eval/accuracy'
) STRICT;
INSERT INTO "mvn_metric_name" VALUES(1,'eval/accuracy');
CREATE TABLE mvn_param (
  trial  INTEGER NOT NULL REFERENCES mvn_trial ON DELETE CASCADE,
  name   TEXT NOT NULL,
  value  ANY,
  origin TEXT NOT NULL CHECK (origin IN ('config', 'trial')),  -- 'trial': the trial chose it
  PRIMARY KEY (trial, name)
) STRICT, WITHOUT ROWID;
INSERT INTO "mvn_param" VALUES(1,'optimizer.lr',0.001,'config');
INSERT INTO "mvn_param" VALUES(2,'optimizer.lr',0.01,'config');
INSERT INTO "mvn_param" VALUES(3,'optimizer.lr',0.1,'config');
CREATE TABLE mvn_stage (
  sweep    INTEGER NOT NULL REFERENCES mvn_sweep ON DELETE CASCADE,
  stage    TEXT NOT NULL,
  metric   INTEGER NOT NULL REFERENCES mvn_metric_name,
  maximize INTEGER NOT NULL CHECK (maximize IN (0, 1)),
  position INTEGER NOT NULL,
  PRIMARY KEY (sweep, stage)
) STRICT, WITHOUT ROWID;
INSERT INTO "mvn_stage" VALUES(1,'',1,1,0);
CREATE TABLE mvn_sweep (
  id       INTEGER PRIMARY KEY,
  name     TEXT NOT NULL UNIQUE,
  file     TEXT NOT NULL,     -- the sweep file, absolute
  text     TEXT NOT NULL,     -- as read when the sweep last ran
  resolved TEXT NOT NULL,     -- JSON: extends and overrides applied
  version  TEXT NOT NULL,     -- of mvn-runner
  created  INTEGER NOT NULL
) STRICT;
INSERT INTO "mvn_sweep" VALUES(1,'lr','/sweeps/lr.yaml','name: lr
','{"name":"lr"}','0.1',1000);
CREATE TABLE mvn_t_quantile (
  df INTEGER PRIMARY KEY,
  t  REAL NOT NULL
) STRICT;
INSERT INTO "mvn_t_quantile" VALUES(1,12.706205);
INSERT INTO "mvn_t_quantile" VALUES(2,4.302653);
INSERT INTO "mvn_t_quantile" VALUES(3,3.182446);
INSERT INTO "mvn_t_quantile" VALUES(4,2.776445);
INSERT INTO "mvn_t_quantile" VALUES(5,2.570582);
INSERT INTO "mvn_t_quantile" VALUES(6,2.446912);
INSERT INTO "mvn_t_quantile" VALUES(7,2.364624);
INSERT INTO "mvn_t_quantile" VALUES(8,2.306004);
INSERT INTO "mvn_t_quantile" VALUES(9,2.262157);
INSERT INTO "mvn_t_quantile" VALUES(10,2.228139);
INSERT INTO "mvn_t_quantile" VALUES(11,2.200985);
INSERT INTO "mvn_t_quantile" VALUES(12,2.178813);
INSERT INTO "mvn_t_quantile" VALUES(13,2.160369);
INSERT INTO "mvn_t_quantile" VALUES(14,2.144787);
INSERT INTO "mvn_t_quantile" VALUES(15,2.13145);
INSERT INTO "mvn_t_quantile" VALUES(16,2.119905);
INSERT INTO "mvn_t_quantile" VALUES(17,2.109816);
INSERT INTO "mvn_t_quantile" VALUES(18,2.100922);
INSERT INTO "mvn_t_quantile" VALUES(19,2.093024);
INSERT INTO "mvn_t_quantile" VALUES(20,2.085963);
INSERT INTO "mvn_t_quantile" VALUES(21,2.079614);
INSERT INTO "mvn_t_quantile" VALUES(22,2.073873);
INSERT INTO "mvn_t_quantile" VALUES(23,2.068658);
INSERT INTO "mvn_t_quantile" VALUES(24,2.063899);
INSERT INTO "mvn_t_quantile" VALUES(25,2.059539);
INSERT INTO "mvn_t_quantile" VALUES(26,2.055529);
INSERT INTO "mvn_t_quantile" VALUES(27,2.051831);
INSERT INTO "mvn_t_quantile" VALUES(28,2.048407);
INSERT INTO "mvn_t_quantile" VALUES(29,2.04523);
INSERT INTO "mvn_t_quantile" VALUES(30,2.042272);
INSERT INTO "mvn_t_quantile" VALUES(31,2.039513);
INSERT INTO "mvn_t_quantile" VALUES(32,2.036933);
INSERT INTO "mvn_t_quantile" VALUES(33,2.034515);
INSERT INTO "mvn_t_quantile" VALUES(34,2.032245);
INSERT INTO "mvn_t_quantile" VALUES(35,2.030108);
INSERT INTO "mvn_t_quantile" VALUES(36,2.028094);
INSERT INTO "mvn_t_quantile" VALUES(37,2.026192);
INSERT INTO "mvn_t_quantile" VALUES(38,2.024394);
INSERT INTO "mvn_t_quantile" VALUES(39,2.022691);
INSERT INTO "mvn_t_quantile" VALUES(40,2.021075);
INSERT INTO "mvn_t_quantile" VALUES(41,2.019541);
INSERT INTO "mvn_t_quantile" VALUES(42,2.018082);
INSERT INTO "mvn_t_quantile" VALUES(43,2.016692);
INSERT INTO "mvn_t_quantile" VALUES(44,2.015368);
INSERT INTO "mvn_t_quantile" VALUES(45,2.014103);
INSERT INTO "mvn_t_quantile" VALUES(46,2.012896);
INSERT INTO "mvn_t_quantile" VALUES(47,2.011741);
INSERT INTO "mvn_t_quantile" VALUES(48,2.010635);
INSERT INTO "mvn_t_quantile" VALUES(49,2.009575);
INSERT INTO "mvn_t_quantile" VALUES(50,2.008559);
INSERT INTO "mvn_t_quantile" VALUES(51,2.007584);
INSERT INTO "mvn_t_quantile" VALUES(52,2.006647);
INSERT INTO "mvn_t_quantile" VALUES(53,2.005746);
INSERT INTO "mvn_t_quantile" VALUES(54,2.004879);
INSERT INTO "mvn_t_quantile" VALUES(55,2.004045);
INSERT INTO "mvn_t_quantile" VALUES(56,2.003241);
INSERT INTO "mvn_t_quantile" VALUES(57,2.002465);
INSERT INTO "mvn_t_quantile" VALUES(58,2.001717);
INSERT INTO "mvn_t_quantile" VALUES(59,2.000995);
INSERT INTO "mvn_t_quantile" VALUES(60,2.000298);
INSERT INTO "mvn_t_quantile" VALUES(70,1.994437);
INSERT INTO "mvn_t_quantile" VALUES(80,1.990063);
INSERT INTO "mvn_t_quantile" VALUES(90,1.986675);
INSERT INTO "mvn_t_quantile" VALUES(100,1.983972);
INSERT INTO "mvn_t_quantile" VALUES(120,1.97993);
INSERT INTO "mvn_t_quantile" VALUES(150,1.975905);
INSERT INTO "mvn_t_quantile" VALUES(200,1.971896);
INSERT INTO "mvn_t_quantile" VALUES(300,1.967903);
INSERT INTO "mvn_t_quantile" VALUES(500,1.96472);
INSERT INTO "mvn_t_quantile" VALUES(1000,1.962339);
INSERT INTO "mvn_t_quantile" VALUES(1000000,1.959966);
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
  draw       INTEGER, first_attempt INTEGER NOT NULL DEFAULT 1,            -- of a search: the number of the draw, from 0
  UNIQUE (sweep, hash)
) STRICT;
INSERT INTO "mvn_trial" VALUES(1,1,'a100000000000000000000000000000000000000000000000000000000000000','a10000000000','','0000000000000000000000000000000000000000000000000000000000000001',0,'done',NULL,'lr=0.001','{"optimizer.lr":0.001}','{"optimizer":{"lr":0.001},"seed":0}','[]',0,1,1000,NULL,1);
INSERT INTO "mvn_trial" VALUES(2,1,'b200000000000000000000000000000000000000000000000000000000000000','b20000000000','','0000000000000000000000000000000000000000000000000000000000000002',0,'done',NULL,'lr=0.01','{"optimizer.lr":0.01}','{"optimizer":{"lr":0.01},"seed":0}','[]',1,1,1000,NULL,2);
INSERT INTO "mvn_trial" VALUES(3,1,'c300000000000000000000000000000000000000000000000000000000000000','c30000000000','','0000000000000000000000000000000000000000000000000000000000000003',0,'done',NULL,'lr=0.1','{"optimizer.lr":0.1}','{"optimizer":{"lr":0.1},"seed":0}','[]',2,1,1000,NULL,1);
CREATE INDEX mvn_param_name ON mvn_param (name, value);
CREATE INDEX mvn_artifact_trial ON mvn_artifact (trial, kind);
CREATE INDEX mvn_event_trial ON mvn_event (trial);
CREATE INDEX mvn_trial_short ON mvn_trial (short);
CREATE INDEX mvn_trial_group ON mvn_trial (sweep, stage, group_hash);
CREATE INDEX mvn_attempt_running ON mvn_attempt (state) WHERE state = 'running';
CREATE VIEW trials AS
SELECT
  s.name AS sweep,
  t.stage,
  t.label AS params,
  t.seed,
  t.state,
  (SELECT m.value FROM mvn_metric m WHERE m.trial = t.id AND m.name = g.metric
     AND m.attempt >= t.first_attempt
   ORDER BY m.step DESC, m.attempt DESC LIMIT 1) AS objective,
  n.name AS metric,
  t.short AS trial,
  (SELECT max(a.step) FROM mvn_attempt a
   WHERE a.trial = t.id AND a.attempt >= t.first_attempt) AS step,
  (SELECT max(a.steps) FROM mvn_attempt a
   WHERE a.trial = t.id AND a.attempt >= t.first_attempt) AS steps,
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
LEFT JOIN mvn_metric_name n ON n.id = g.metric;
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
FROM mvn_metric m
JOIN mvn_metric_name n ON n.id = m.name
JOIN mvn_trial t ON t.id = m.trial
JOIN mvn_sweep s ON s.id = t.sweep
WHERE m.attempt >= t.first_attempt
  AND NOT EXISTS (SELECT 1 FROM mvn_metric later
                  WHERE later.trial = m.trial AND later.name = m.name AND later.step = m.step
                    AND later.attempt > m.attempt);
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
JOIN mvn_metric m ON m.trial = t.id AND m.name = n.id
WHERE m.step = (SELECT max(x.step) FROM mvn_metric x
                WHERE x.trial = t.id AND x.name = n.id AND x.attempt >= t.first_attempt)
  AND m.attempt = (SELECT max(x.attempt) FROM mvn_metric x
                   WHERE x.trial = t.id AND x.name = n.id AND x.step = m.step);
CREATE VIEW best AS
WITH objective AS (
  SELECT
    t.id, m.step, m.value,
    row_number() OVER (PARTITION BY t.id
                       ORDER BY CASE g.maximize WHEN 1 THEN -m.value ELSE m.value END, m.step)
      AS place,
    last_value(m.value) OVER (PARTITION BY t.id ORDER BY m.step
                              ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS last
  FROM mvn_trial t
  JOIN mvn_stage g ON g.sweep = t.sweep AND g.stage = t.stage
  JOIN mvn_metric m ON m.trial = t.id AND m.name = g.metric
  WHERE m.value IS NOT NULL
    AND m.attempt >= t.first_attempt
    AND NOT EXISTS (SELECT 1 FROM mvn_metric later
                    WHERE later.trial = m.trial AND later.name = m.name AND later.step = m.step
                      AND later.attempt > m.attempt)
)
SELECT
  s.name AS sweep,
  t.stage,
  t.label AS params,
  t.seed,
  o.value AS best,
  o.step,
  o.last,
  n.name AS metric,
  t.state,
  t.short AS trial
FROM objective o
JOIN mvn_trial t ON t.id = o.id
JOIN mvn_sweep s ON s.id = t.sweep
JOIN mvn_stage g ON g.sweep = t.sweep AND g.stage = t.stage
JOIN mvn_metric_name n ON n.id = g.metric
WHERE o.place = 1
ORDER BY s.id, g.position, CASE g.maximize WHEN 1 THEN -o.value ELSE o.value END;
CREATE VIEW curves AS
WITH point AS (
  SELECT
    t.sweep, t.stage, t.group_hash, t.label, m.name, m.step, m.value,
    m.value - avg(m.value) OVER (PARTITION BY t.sweep, t.stage, t.group_hash, m.name, m.step)
      AS deviation
  FROM mvn_metric m
  JOIN mvn_trial t ON t.id = m.trial
  WHERE m.attempt >= t.first_attempt
    AND NOT EXISTS (SELECT 1 FROM mvn_metric later
                    WHERE later.trial = m.trial AND later.name = m.name AND later.step = m.step
                      AND later.attempt > m.attempt)
)
SELECT
  s.name AS sweep,
  p.stage,
  p.label AS params,
  n.name,
  p.step,
  avg(p.value) AS mean,
  count(p.value) AS n,
  sqrt(sum(p.deviation * p.deviation) / nullif(count(p.value) - 1, 0)) AS sd,
  min(p.value) AS min,
  max(p.value) AS max,
  substr(p.group_hash, 1, 12) AS group_id
FROM point p
JOIN mvn_sweep s ON s.id = p.sweep
JOIN mvn_metric_name n ON n.id = p.name
GROUP BY p.sweep, p.stage, p.group_hash, p.name, p.step;
CREATE VIEW group_metrics AS
WITH final AS (
  SELECT
    t.sweep, t.stage, t.group_hash, t.label, t.current, n.id AS name, m.value,
    m.value - avg(m.value) OVER (PARTITION BY t.sweep, t.stage, t.group_hash, n.id) AS deviation
  FROM mvn_trial t
  CROSS JOIN mvn_metric_name n
  JOIN mvn_metric m ON m.trial = t.id AND m.name = n.id
  WHERE t.state = 'done'
    AND abs(m.value) < 9e999
    AND m.step = (SELECT max(x.step) FROM mvn_metric x
                  WHERE x.trial = t.id AND x.name = n.id AND x.attempt >= t.first_attempt)
    AND m.attempt = (SELECT max(x.attempt) FROM mvn_metric x
                     WHERE x.trial = t.id AND x.name = n.id AND x.step = m.step)
), spread AS (
  SELECT
    sweep, stage, group_hash, name, label, max(current) AS current,
    count(*) AS n, avg(value) AS mean, min(value) AS min, max(value) AS max,
    sqrt(sum(deviation * deviation) / nullif(count(*) - 1, 0)) AS sd
  FROM final
  GROUP BY sweep, stage, group_hash, name
), interval AS (
  SELECT
    *,
    (SELECT q.t FROM mvn_t_quantile q WHERE q.df <= n - 1 ORDER BY q.df DESC LIMIT 1)
      * sd / sqrt(n) AS half
  FROM spread
)
SELECT
  s.name AS sweep,
  i.stage,
  i.label AS params,
  m.name,
  i.n,
  i.mean,
  i.sd,
  i.mean - i.half AS low,
  i.mean + i.half AS high,
  i.min,
  i.max,
  i.current,
  substr(i.group_hash, 1, 12) AS group_id
FROM interval i
JOIN mvn_sweep s ON s.id = i.sweep
JOIN mvn_metric_name m ON m.id = i.name;
CREATE VIEW group_stats AS
WITH member AS (
  SELECT
    t.sweep, t.stage, t.group_hash, min(t.label) AS label, count(*) AS trials,
    count(*) FILTER (WHERE t.state = 'stopped') AS stopped, max(t.current) AS current
  FROM mvn_trial t
  GROUP BY t.sweep, t.stage, t.group_hash
), ranked AS (
  SELECT
    m.*, g.position, g.maximize, s.name AS sweep_name, n.name AS metric,
    v.n, v.mean, v.sd, v.low, v.high, v.min, v.max,
    CASE WHEN v.n > 0 THEN
      rank() OVER (PARTITION BY m.sweep, m.stage
                   ORDER BY v.mean IS NULL,
                            CASE g.maximize WHEN 1 THEN -v.mean ELSE v.mean END) END AS place
  FROM member m
  JOIN mvn_sweep s ON s.id = m.sweep
  JOIN mvn_stage g ON g.sweep = m.sweep AND g.stage = m.stage
  JOIN mvn_metric_name n ON n.id = g.metric
  LEFT JOIN group_metrics v ON v.sweep = s.name AND v.stage = m.stage AND v.name = n.name
                           AND v.group_id = substr(m.group_hash, 1, 12)
)
SELECT
  sweep_name AS sweep,
  stage,
  place AS rank,
  label AS params,
  coalesce(n, 0) AS n,
  iif(mean IS NULL, NULL, CAST(printf('%.6g', mean) AS REAL)) AS mean,
  iif(sd IS NULL, NULL, CAST(printf('%.3g', sd) AS REAL)) AS sd,
  iif(low IS NULL, NULL, CAST(printf('%.6g', low) AS REAL)) AS low,
  iif(high IS NULL, NULL, CAST(printf('%.6g', high) AS REAL)) AS high,
  metric,
  CASE maximize WHEN 1 THEN 'maximize' ELSE 'minimize' END AS goal,
  min,
  max,
  trials - coalesce(n, 0) AS missing,
  stopped,
  current,
  substr(group_hash, 1, 12) AS group_id
FROM ranked
ORDER BY sweep, position, place IS NULL, place;
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
CREATE VIEW artifacts AS
SELECT
  t.short AS trial,
  a.kind,
  a.path,
  a.step,
  a.bytes,
  s.name AS sweep,
  t.stage,
  t.label AS params,
  t.seed,
  a.attempt,
  datetime(a.time / 1000, 'unixepoch', 'localtime') AS time
FROM mvn_artifact a
JOIN mvn_trial t ON t.id = a.trial
JOIN mvn_sweep s ON s.id = t.sweep;
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
COMMIT;
PRAGMA application_id = 1836478066;
PRAGMA user_version = 3;
