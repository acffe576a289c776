"""Results to export: sweeps that a real runner ran, with everything that can be odd about them."""
import json
import math
import os
import pathlib
import sqlite3
import subprocess

# What a user, or somebody who sends results, may call things.
HOSTILE = "'; DROP TABLE mvn_trial; --\n../../x <script>alert(1)</script> \x1b[31m \"%s"
LONG = "long " * 2000

PROGRAM = r'''
import json, os, sys
trial = json.load(open(os.environ["MVN_TRIAL"]))
args, seed = trial["config"]["args"], trial["config"]["seed"]
spool = open(os.environ["MVN_SPOOL"], "a", buffering=1)
def put(kind, **more): print(json.dumps({"type": kind, **more}), file=spool)
def metric(step, values): put("metric", step=step, values=values)
for step in range(1, 21):
    metric(step, {"train/loss": args["lr"] / step + seed})
    if step % 5 == 0:
        metric(step, {"eval/accuracy": 1 - 1 / (step + seed + args["layers"]), "eval/count": step})
        metric(step, {"../x": 0.1, "<script>": 2.5, "a\nb": -1.0, "nul\0in": 4, "": 5, "a//b/": 6,
                      "\u00fc" * 400: 7, "cost/tokens": 8, "huge": 1e300, "big step": 2.0})
metric(2**40, {"big step": 3.0})
metric(21, {"odd": "NaN", "up": "Infinity", "down": "-Infinity"})
if args["mode"] == "nan":
    metric(25, {"eval/accuracy": "NaN"})
if args["mode"] == "inf":
    metric(25, {"eval/accuracy": "Infinity"})
put("cost", values={"tokens": 100 + seed, "peak_host_bytes": 5e6})
put("param", values={"chosen": 3})
sys.exit({"fail": 3, "diverge": 78}.get(args["mode"], 0))
'''

SWEEP = r'''
name: demo
metric: {name: eval/accuracy, goal: maximize}
worker: {command: [python3, program.py]}
retry: {crash: 0}
args:
  "it's; DROP TABLE x; --": "=cmd|' /C calc'!A0"
  "../x": "@SUM(1)"
  "<script>": "a\r\nb,\"c\"\0d"
  long: "LONG"
  minus: "-1"
  flag: true
  list: [1, "two"]
  nested: {deep: {er: 1e-7}}
  empty: ""
parameters:
  args.lr: {distribution: log_uniform_values, min: 1e-4, max: 1, count: 2}
  args.layers: {min: 2, max: 3}
  args.mode: {values: [ok, nan, inf, fail, diverge]}
  args.mixed: {values: [MIXED]}
repeats: {seeds: [0, 1]}
'''

STAGES = r'''
name: two.stages
metric: {name: train/loss, goal: minimize}
worker: {command: [python3, program.py]}
args: {mode: ok, layers: 2}
stages:
  first:
    parameters: {args.lr: {values: [0.001, 0.5]}}
  second:
    metric: {name: eval/accuracy, goal: maximize}
    parameters: {args.lr: {min: 0.0, max: 1.0, q: 0.5}, args.none: {values: [null, [1, 2], true]}}
'''


class Results:
    """A folder with results of the sweeps; `demo` has trials in every state and hostile names."""

    def __init__(self, folder, runner, worker):
        self.folder = pathlib.Path(folder)
        self.runner = pathlib.Path(runner)
        self.environment = {**os.environ, "MVN_WORKER": str(worker), "MVN_PLUGIN_PATH": "",
                            "XDG_CACHE_HOME": str(self.folder / "cache"),
                            "CUDA_VISIBLE_DEVICES": ""}
        self.database = self.folder / "results" / "results.db"
        (self.folder / "program.py").write_text(PROGRAM)
        earlier = SWEEP.replace("MIXED", "1").replace("ok, nan, inf, fail, diverge", "ok")
        self._run("demo", earlier)  # trials of an earlier version of the file
        self._run("demo", SWEEP.replace("MIXED", "1, x").replace("LONG", LONG))
        self._run("stages", STAGES)
        self.demo = "demo" + HOSTILE
        self._make_hostile()

    def _run(self, name, text):
        (self.folder / f"{name}.yaml").write_text(text)
        run = self.run([f"{name}.yaml"])
        if run.returncode not in (0, 1):  # 1: some failed, as they should
            raise AssertionError(run.stdout + run.stderr)

    def _make_hostile(self):
        """What only a database from elsewhere has, and states that a finished sweep has not."""
        with sqlite3.connect(self.database) as db:
            db.execute("UPDATE mvn_sweep SET name = ? WHERE name = 'demo'", [self.demo])
            rows = [row for row, in db.execute(
                "SELECT id FROM mvn_trial WHERE current = 1 AND state = 'done' ORDER BY id")]
            for row, state in zip(rows, ("stopped", "running", "interrupted", "planned", "blocked")):
                db.execute("UPDATE mvn_trial SET state = ? WHERE id = ?", [state, row])
            db.execute("DELETE FROM mvn_attempt WHERE trial = ?", [rows[3]])
            for table in ("mvn_metric", "mvn_cost"):
                db.execute(f"DELETE FROM {table} WHERE trial = ?", [rows[3]])
            db.execute("UPDATE mvn_attempt SET ended = NULL, state = 'running' WHERE trial = ?",
                       [rows[1]])
            for row, label in ((rows[5], HOSTILE + "\0"), (rows[10], LONG)):
                db.execute("UPDATE mvn_trial SET label = ?, reason = ? WHERE group_hash ="
                           " (SELECT group_hash FROM mvn_trial WHERE id = ?)", [label, label, row])
        db.close()

    def run(self, arguments):
        return subprocess.run([self.runner, *arguments], cwd=self.folder, env=self.environment,
                              capture_output=True, text=True, check=False)

    def export(self, kind, output, *more, sweep=None):
        """Exports the sweep `demo`; returns the path and what was said."""
        run = self.run(["export", kind, sweep or self.demo, output, "--json", *more])
        if run.returncode != 0:
            raise AssertionError(run.stderr)
        return self.folder / output, json.loads(run.stdout)

    def rows(self, sql, *values):
        db = sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)
        db.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in db.execute(sql, values)]
        finally:
            db.close()

    def trials(self, sweep=None, all_of_them=False):
        """By their id's first digits."""
        rows = self.rows("SELECT * FROM trials WHERE sweep = ? AND current >= ?",
                         sweep or self.demo, 0 if all_of_them else 1)
        return {row["trial"]: row for row in rows}

    def points(self, trial):
        """{metric: {step: value}} of a trial, as the view `metrics` has them."""
        special = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
        points = {}
        for row in self.rows("SELECT name, step, value, special FROM metrics WHERE trial = ?", trial):
            value = special.get(row["special"], row["value"])
            points.setdefault(row["name"], {})[row["step"]] = value
        return points

    def params(self, trial):
        return {row["name"]: row["value"]
                for row in self.rows("SELECT name, value FROM params WHERE trial = ?", trial)}

    def costs(self, trial):
        return {row["name"]: row["value"]
                for row in self.rows("SELECT name, value FROM costs WHERE trial = ?", trial)}


def same(one, other):
    """Equal, NaN with NaN."""
    return one == other or (one != one and other != other)
