-- A database as schema 1 left it: one sweep of one finished trial.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE mvn_sweep (
  id       INTEGER PRIMARY KEY,
  name     TEXT NOT NULL UNIQUE,
  file     TEXT NOT NULL,     -- the sweep file, absolute
  text     TEXT NOT NULL,     -- as read when the sweep last ran
  resolved TEXT NOT NULL,     -- JSON: extends and overrides applied
  version  TEXT NOT NULL,     -- of mvn-runner
  created  INTEGER NOT NULL
) STRICT;
INSERT INTO mvn_sweep VALUES(1,'lr','/sweeps/lr.yaml','name: lr','{"name":"lr"}','0.1.0',1764064800000);
CREATE TABLE mvn_metric_name (
  id   INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE   -- 'eval/accuracy'
) STRICT;
INSERT INTO mvn_metric_name VALUES(1,'eval/accuracy');
CREATE TABLE mvn_stage (
  sweep    INTEGER NOT NULL REFERENCES mvn_sweep ON DELETE CASCADE,
  stage    TEXT NOT NULL,
  metric   INTEGER NOT NULL REFERENCES mvn_metric_name,
  maximize INTEGER NOT NULL CHECK (maximize IN (0, 1)),
  position INTEGER NOT NULL,
  PRIMARY KEY (sweep, stage)
) STRICT, WITHOUT ROWID;
INSERT INTO mvn_stage VALUES(1,'',1,1,0);
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
INSERT INTO mvn_trial VALUES(1,1,'a100000000000000000000000000000000000000000000000000000000000000','a10000000000','','ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff',0,'done',NULL,'lr=0.001','{"optimizer.lr":0.001}','{"optimizer":{"lr":0.001},"seed":0}','[]',0,1,1764064800000);
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
INSERT INTO mvn_attempt VALUES(1,1,'done','worker 1','cpu',1764064800000,1764064801000,0,NULL,'',NULL,NULL,NULL,NULL,NULL,NULL,NULL,NULL,99);
CREATE TABLE mvn_param (
  trial  INTEGER NOT NULL REFERENCES mvn_trial ON DELETE CASCADE,
  name   TEXT NOT NULL,
  value  ANY,
  origin TEXT NOT NULL CHECK (origin IN ('config', 'trial')),  -- 'trial': the trial chose it
  PRIMARY KEY (trial, name)
) STRICT, WITHOUT ROWID;
INSERT INTO mvn_param VALUES(1,'optimizer.lr',0.0010000000000000000208,'config');
INSERT INTO mvn_param VALUES(1,'seed',0,'config');
CREATE TABLE mvn_metric (
  trial   INTEGER NOT NULL REFERENCES mvn_trial ON DELETE CASCADE,
  name    INTEGER NOT NULL REFERENCES mvn_metric_name,
  step    INTEGER NOT NULL,
  attempt INTEGER NOT NULL,
  value   REAL,
  time    INTEGER NOT NULL,
  PRIMARY KEY (trial, name, step, attempt)
) STRICT, WITHOUT ROWID;
INSERT INTO mvn_metric VALUES(1,1,1,1,0.5,1764064800500);
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
CREATE TABLE mvn_event (
  id      INTEGER PRIMARY KEY,
  trial   INTEGER REFERENCES mvn_trial ON DELETE CASCADE,
  attempt INTEGER,
  time    INTEGER NOT NULL,
  level   TEXT NOT NULL,      -- 'info', 'warning', 'error', 'damaged', 'unknown'
  message TEXT NOT NULL,
  record  TEXT                -- the whole record where it is not understood, JSON
) STRICT;
CREATE TABLE mvn_environment (
  trial   INTEGER NOT NULL REFERENCES mvn_trial ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  name    TEXT NOT NULL,
  value   ANY,
  PRIMARY KEY (trial, attempt, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE mvn_cost (
  trial   INTEGER NOT NULL REFERENCES mvn_trial ON DELETE CASCADE,
  attempt INTEGER NOT NULL,
  name    TEXT NOT NULL,
  value   REAL NOT NULL,
  PRIMARY KEY (trial, attempt, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE mvn_t_quantile (
  df INTEGER PRIMARY KEY,
  t  REAL NOT NULL
) STRICT;
INSERT INTO mvn_t_quantile VALUES(1,12.706205000000000638);
INSERT INTO mvn_t_quantile VALUES(2,4.3026530000000002829);
INSERT INTO mvn_t_quantile VALUES(3,3.182446000000000108);
INSERT INTO mvn_t_quantile VALUES(4,2.7764449999999998297);
INSERT INTO mvn_t_quantile VALUES(5,2.5705819999999999225);
INSERT INTO mvn_t_quantile VALUES(6,2.4469120000000001979);
INSERT INTO mvn_t_quantile VALUES(7,2.3646240000000000591);
INSERT INTO mvn_t_quantile VALUES(8,2.3060040000000001647);
INSERT INTO mvn_t_quantile VALUES(9,2.2621570000000001954);
INSERT INTO mvn_t_quantile VALUES(10,2.2281390000000000917);
INSERT INTO mvn_t_quantile VALUES(11,2.2009850000000001912);
INSERT INTO mvn_t_quantile VALUES(12,2.1788129999999998887);
INSERT INTO mvn_t_quantile VALUES(13,2.1603690000000002058);
INSERT INTO mvn_t_quantile VALUES(14,2.144786999999999999);
INSERT INTO mvn_t_quantile VALUES(15,2.1314500000000000667);
INSERT INTO mvn_t_quantile VALUES(16,2.1199050000000001503);
INSERT INTO mvn_t_quantile VALUES(17,2.1098159999999999136);
INSERT INTO mvn_t_quantile VALUES(18,2.1009220000000001782);
INSERT INTO mvn_t_quantile VALUES(19,2.0930240000000002176);
INSERT INTO mvn_t_quantile VALUES(20,2.0859630000000000116);
INSERT INTO mvn_t_quantile VALUES(21,2.0796139999999998515);
INSERT INTO mvn_t_quantile VALUES(22,2.0738729999999998554);
INSERT INTO mvn_t_quantile VALUES(23,2.0686580000000001078);
INSERT INTO mvn_t_quantile VALUES(24,2.0638990000000001501);
INSERT INTO mvn_t_quantile VALUES(25,2.0595390000000000085);
INSERT INTO mvn_t_quantile VALUES(26,2.0555289999999999395);
INSERT INTO mvn_t_quantile VALUES(27,2.0518309999999999604);
INSERT INTO mvn_t_quantile VALUES(28,2.0484070000000000888);
INSERT INTO mvn_t_quantile VALUES(29,2.0452300000000001034);
INSERT INTO mvn_t_quantile VALUES(30,2.0422720000000000872);
INSERT INTO mvn_t_quantile VALUES(31,2.0395129999999999093);
INSERT INTO mvn_t_quantile VALUES(32,2.0369329999999998825);
INSERT INTO mvn_t_quantile VALUES(33,2.0345149999999998513);
INSERT INTO mvn_t_quantile VALUES(34,2.0322450000000000791);
INSERT INTO mvn_t_quantile VALUES(35,2.0301079999999998015);
INSERT INTO mvn_t_quantile VALUES(36,2.0280939999999998413);
INSERT INTO mvn_t_quantile VALUES(37,2.026191999999999993);
INSERT INTO mvn_t_quantile VALUES(38,2.0243940000000000267);
INSERT INTO mvn_t_quantile VALUES(39,2.0226910000000000167);
INSERT INTO mvn_t_quantile VALUES(40,2.0210750000000001769);
INSERT INTO mvn_t_quantile VALUES(41,2.0195409999999998085);
INSERT INTO mvn_t_quantile VALUES(42,2.0180820000000001535);
INSERT INTO mvn_t_quantile VALUES(43,2.0166919999999999291);
INSERT INTO mvn_t_quantile VALUES(44,2.0153680000000000482);
INSERT INTO mvn_t_quantile VALUES(45,2.0141029999999999766);
INSERT INTO mvn_t_quantile VALUES(46,2.0128960000000000185);
INSERT INTO mvn_t_quantile VALUES(47,2.0117409999999997793);
INSERT INTO mvn_t_quantile VALUES(48,2.010635000000000172);
INSERT INTO mvn_t_quantile VALUES(49,2.0095749999999998891);
INSERT INTO mvn_t_quantile VALUES(50,2.0085589999999999832);
INSERT INTO mvn_t_quantile VALUES(51,2.0075840000000000351);
INSERT INTO mvn_t_quantile VALUES(52,2.0066470000000000695);
INSERT INTO mvn_t_quantile VALUES(53,2.0057459999999998068);
INSERT INTO mvn_t_quantile VALUES(54,2.0048789999999998556);
INSERT INTO mvn_t_quantile VALUES(55,2.0040450000000000763);
INSERT INTO mvn_t_quantile VALUES(56,2.0032410000000000493);
INSERT INTO mvn_t_quantile VALUES(57,2.0024649999999999394);
INSERT INTO mvn_t_quantile VALUES(58,2.0017170000000001905);
INSERT INTO mvn_t_quantile VALUES(59,2.0009950000000000791);
INSERT INTO mvn_t_quantile VALUES(60,2.0002979999999999094);
INSERT INTO mvn_t_quantile VALUES(70,1.9944370000000000153);
INSERT INTO mvn_t_quantile VALUES(80,1.9900629999999999153);
INSERT INTO mvn_t_quantile VALUES(90,1.9866749999999999687);
INSERT INTO mvn_t_quantile VALUES(100,1.9839720000000000688);
INSERT INTO mvn_t_quantile VALUES(120,1.9799299999999999677);
INSERT INTO mvn_t_quantile VALUES(150,1.9759050000000000224);
INSERT INTO mvn_t_quantile VALUES(200,1.9718960000000000931);
INSERT INTO mvn_t_quantile VALUES(300,1.9679029999999999578);
INSERT INTO mvn_t_quantile VALUES(500,1.9647200000000000219);
INSERT INTO mvn_t_quantile VALUES(1000,1.9623390000000000554);
INSERT INTO mvn_t_quantile VALUES(1000000,1.959966000000000097);
CREATE INDEX mvn_trial_short ON mvn_trial (short);
CREATE INDEX mvn_trial_group ON mvn_trial (sweep, stage, group_hash);
CREATE INDEX mvn_attempt_running ON mvn_attempt (state) WHERE state = 'running';
CREATE INDEX mvn_param_name ON mvn_param (name, value);
CREATE INDEX mvn_artifact_trial ON mvn_artifact (trial, kind);
CREATE INDEX mvn_event_trial ON mvn_event (trial);
CREATE VIEW trials AS
SELECT
  s.name AS sweep,
  t.stage,
  t.label AS params,
  t.seed,
  t.state,
  (SELECT m.value FROM mvn_metric m WHERE m.trial = t.id AND m.name = g.metric
   ORDER BY m.step DESC, m.attempt DESC LIMIT 1) AS objective,
  n.name AS metric,
  t.short AS trial,
  (SELECT max(a.step) FROM mvn_attempt a WHERE a.trial = t.id) AS step,
  (SELECT max(a.steps) FROM mvn_attempt a WHERE a.trial = t.id) AS steps,
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
  t.hash AS id
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
WHERE NOT EXISTS (SELECT 1 FROM mvn_metric later
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
WHERE m.step = (SELECT max(x.step) FROM mvn_metric x WHERE x.trial = t.id AND x.name = n.id)
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
  WHERE NOT EXISTS (SELECT 1 FROM mvn_metric later
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
    AND m.step = (SELECT max(x.step) FROM mvn_metric x WHERE x.trial = t.id AND x.name = n.id)
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
    max(t.current) AS current
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
CREATE VIEW sweeps AS
SELECT
  s.name AS sweep,
  count(t.id) AS trials,
  count(*) FILTER (WHERE t.state = 'done') AS done,
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
PRAGMA user_version = 1;
