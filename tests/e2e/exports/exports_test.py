#!/usr/bin/env python3
"""What `mvn-runner export` writes, opened by the tools themselves and compared with results.db.

exports_test.py --runner FILE --worker FILE [--python FILE] [TEST...]

The tools are those of that Python, or of MVN_PYTHON, where it is there: tests/exactness/setup.sh makes
one that has them all. A tool that is not installed is skipped.
"""
import argparse
import csv
import importlib
import json
import math
import os
import pathlib
import random
import re
import signal
import sqlite3
import struct
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import zlib

import results
from results import same

ARGUMENTS = None
RESULTS = None


def program(name):
    """Of the Python that runs this."""
    return pathlib.Path(sys.executable).parent / name


def setUpModule():
    global RESULTS
    folder = tempfile.TemporaryDirectory(prefix="mvn-exports-")
    unittest.addModuleCleanup(folder.cleanup)
    RESULTS = results.Results(folder.name, ARGUMENTS.runner, ARGUMENTS.worker)


def needs(module):
    def missing():
        try:
            importlib.import_module(module)
        except ImportError:
            return True
        return False
    return unittest.skipIf(missing(), f"{module} is not installed; run tests/exactness/setup.sh")


class Export(unittest.TestCase):
    def check_points(self, trial, got, change=lambda value: value):
        """`got` is {metric: {step: value}}; `change` what the format does to a value."""
        want = RESULTS.points(trial)
        self.assertEqual(set(got), set(want), trial)
        for name, steps in want.items():
            self.assertEqual(set(got[name]), set(steps), (trial, name))
            for step, value in steps.items():
                self.assertTrue(same(got[name][step], change(value)),
                                (trial, name, step, got[name][step], value))

    def check_notes(self, notes, *wanted):
        """That the notes are these, in this order."""
        self.assertEqual(len(notes), len(wanted), notes)
        for note, pattern in zip(notes, wanted):
            self.assertRegex(note, pattern)


@needs("tensorboard")
class Tensorboard(Export):
    @classmethod
    def setUpClass(cls):
        cls.folder, cls.said = RESULTS.export("tensorboard", "tensorboard")

    def runs(self):
        """The folder of each trial."""
        return {folder.name.rsplit("-", 1)[1]: folder
                for folder in self.folder.iterdir() if folder.is_dir()}

    def test_every_value_as_float32(self):
        from tensorboard.backend.event_processing import event_accumulator
        runs = self.runs()
        self.assertEqual(set(runs), set(RESULTS.trials()))
        for trial, folder in runs.items():
            events = event_accumulator.EventAccumulator(str(folder), size_guidance={"scalars": 0})
            events.Reload()
            self.check_points(trial, {tag: {each.step: each.value for each in events.Scalars(tag)}
                                      for tag in events.Tags()["scalars"]}, self.float32)

    def test_the_whole_configuration_as_text(self):
        from tensorboard.backend.event_processing import event_accumulator
        for trial, folder in list(self.runs().items())[:5]:
            events = event_accumulator.EventAccumulator(str(folder))
            events.Reload()
            text = events.Tensors("configuration")[0].tensor_proto.string_val[0].decode()
            lines = text.splitlines()
            self.assertTrue(all(line.startswith("    ") for line in lines))
            got = dict(line[4:].split(": ", 1) for line in lines)
            want = RESULTS.params(trial)
            self.assertEqual(float(got["args.lr"]), want["args.lr"])
            self.assertEqual(json.loads(got["args.<script>"]), want["args.<script>"])
            self.assertEqual(got["args.long"], want["args.long"])
            self.assertEqual(float(got["cost/tokens"]), RESULTS.costs(trial)["tokens"])

    @staticmethod
    def float32(value):
        try:
            return struct.unpack("f", struct.pack("f", value))[0]
        except OverflowError:
            return math.copysign(math.inf, value)

    def test_checksums(self):
        # TensorBoard's own reader of records checks them; it stops at a damaged one.
        from tensorboard.compat.tensorflow_stub.io import gfile
        from tensorboard.backend.event_processing import event_file_loader
        folder = next(iter(self.runs().values()))
        file = next(folder.iterdir())
        good = len(list(event_file_loader.RawEventFileLoader(str(file)).Load()))
        damaged = bytearray(file.read_bytes())
        damaged[-5] ^= 1
        other = pathlib.Path(tempfile.mkdtemp(dir=RESULTS.folder)) / file.name
        other.write_bytes(damaged)
        self.assertTrue(gfile.exists(str(other)))
        self.assertLess(len(list(event_file_loader.RawEventFileLoader(str(other)).Load())), good)

    def test_folder_names_are_sane(self):
        for folder in self.folder.rglob("*"):
            self.assertRegex(folder.name, r"^[A-Za-z0-9._=+-]+$")
            self.assertLess(len(folder.name), 120)

    def hparams(self):
        from tensorboard import context
        from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
        from tensorboard.plugins import base_plugin
        from tensorboard.plugins.hparams import (api_pb2, backend_context, get_experiment,
                                                 list_session_groups)
        runs = plugin_event_multiplexer.EventMultiplexer()
        runs.AddRunsFromDirectory(str(self.folder))
        runs.Reload()
        provider = data_provider.MultiplexerDataProvider(runs, str(self.folder))
        plugin = backend_context.Context(
            base_plugin.TBContext(data_provider=provider, logdir=str(self.folder)))
        experiment = get_experiment.Handler(
            context.RequestContext(), plugin, "",
            api_pb2.GetExperimentRequest(include_metrics=True)).run()
        request = api_pb2.ListSessionGroupsRequest(
            start_index=0, slice_size=1000, include_metrics=True,
            aggregation_type=api_pb2.AGGREGATION_AVG)
        request.allowed_statuses.extend(range(4))
        for info in experiment.hparam_infos:
            request.col_params.add(hparam=info.name)
        groups = list_session_groups.Handler(
            context.RequestContext(), plugin, "", request).run().session_groups
        return experiment, groups

    def test_hparams_group_the_seeds(self):
        trials = RESULTS.trials()
        experiment, groups = self.hparams()
        self.assertEqual([info.name for info in experiment.hparam_infos],
                         ["args.layers", "args.lr", "args.mixed", "args.mode"])
        self.assertEqual(experiment.metric_infos[0].name.tag, "eval/accuracy")
        self.assertEqual(len(groups), len({trial["group_id"] for trial in trials.values()}))
        status = {"done": 1, "failed": 2, "diverged": 2, "blocked": 2, "running": 3}
        sessions = 0
        for group in groups:
            for session in group.sessions:
                trial = trials[session.name.rsplit("-", 1)[1]]
                sessions += 1
                self.assertIn(trial["group_id"], group.name)
                self.assertEqual(session.status, status.get(trial["state"], 0), trial["state"])
                want = json.loads(trial["parameters"])
                self.assertEqual(group.hparams["args.lr"].number_value, want["args.lr"])
                self.assertEqual(group.hparams["args.layers"].number_value, want["args.layers"])
                self.assertEqual(group.hparams["args.mode"].string_value, want["args.mode"])
                self.assertEqual(group.hparams["args.mixed"].string_value, str(want["args.mixed"]))
                values = {value.name.tag: value.value for value in session.metric_values}
                for name, steps in RESULTS.points(trial["trial"]).items():
                    if max(steps) < 2**31:
                        self.assertTrue(same(values[name], self.float32(steps[max(steps)])))
        self.assertEqual(sessions, len(trials))

    def test_what_is_lost_is_said(self):
        self.check_notes(self.said["notes"], r"^1 metric with steps beyond 2\^31",
                         r"^\d+ values beyond float32")


@needs("mlflow")
class Mlflow(Export):
    @classmethod
    def setUpClass(cls):
        cls.file, cls.said = RESULTS.export("mlflow", "mlflow.db")
        import mlflow
        mlflow.set_tracking_uri(f"sqlite:///{cls.file}")
        cls.client = mlflow.MlflowClient()  # brings the schema up to date

    def runs(self):
        found = self.client.search_runs(["1"], max_results=1000)
        return {run.data.tags["mvn.trial"][:12]: run for run in found}

    @staticmethod
    def as_stored(value):
        largest = sys.float_info.max
        return math.copysign(largest, value) if math.isinf(value) else value

    def test_every_value_and_the_last_ones(self):
        keys = self.key_of_each_metric()
        trials = RESULTS.trials()
        runs = self.runs()
        self.assertEqual(set(runs), set(trials))
        chosen = random.Random(0).sample(sorted(runs), 12)
        for trial, run in runs.items():
            costs = RESULTS.costs(trial)
            want = RESULTS.points(trial)
            for name, steps in want.items():
                last = run.data.metrics[keys[name]]
                self.assertTrue(same(last, self.as_stored(steps[max(steps)])), (name, last))
            for name, value in costs.items():
                key = f"cost/{name}" + ("_" if name == "tokens" else "")
                self.assertEqual(run.data.metrics[key], value)
            self.assertEqual(len(run.data.metrics), len(want) + len(costs))
            if trial in chosen:
                self.check_points(trial, {
                    name: {each.step: each.value for each in
                           self.client.get_metric_history(run.info.run_id, keys[name])}
                    for name in want}, self.as_stored)

    def key_of_each_metric(self):
        """Names that MLflow takes stay, the others have their letters, digits and marks."""
        names = [row["name"] for row in RESULTS.rows("SELECT DISTINCT name FROM metrics")]
        known = {"../x": "_./x", "<script>": "_script_", "a\nb": "a_b", "nul\0in": "nul_in",
                 "": "_", "a//b/": "a/_b/_", "\u00fc" * 400: "\u00fc" * 240}
        return {name: known.get(name, name) for name in names}

    def test_runs_say_what_they_are(self):
        status = {"done": "FINISHED", "failed": "FAILED", "diverged": "FAILED", "stopped": "KILLED",
                  "interrupted": "KILLED", "running": "RUNNING", "planned": "SCHEDULED",
                  "blocked": "SCHEDULED"}
        self.assertEqual(self.client.get_experiment("1").name, RESULTS.demo)
        for trial, run in self.runs().items():
            row = RESULTS.trials()[trial]
            self.assertEqual(run.info.status, status[row["state"]])
            self.assertEqual(run.data.tags["mvn.state"], row["state"])
            self.assertEqual(run.data.tags["mvn.seed"], str(row["seed"]))
            self.assertEqual(run.data.tags["mvn.group"], row["group_id"])
            self.assertEqual(run.data.tags["mvn.configuration"], row["params"][:5000])
            self.assertRegex(run.info.run_id, "^[0-9a-f]{32}$")

    def test_parameters(self):
        for trial, run in self.runs().items():
            got = run.data.params
            want = RESULTS.params(trial)
            self.assertEqual(len(got), len(want))
            self.assertEqual(got["args.long"], want["args.long"][:6000])
            self.assertEqual(got["args.../x"], "@SUM(1)")
            self.assertEqual(got["args._script_"], "a\r\nb,\"c\"\0d")
            self.assertEqual(float(got["args.lr"]), want["args.lr"])
            self.assertEqual(got["args.empty"], "")

    def test_the_best_run_is_found_by_its_metric(self):
        found = self.client.search_runs(["1"], "metrics.`eval/accuracy` > 0.5",
                                        order_by=["metrics.`eval/accuracy` DESC"], max_results=1)
        self.assertEqual(found[0].data.params["args.mode"], "inf")

    def test_what_is_lost_is_said(self):
        self.check_notes(self.said["notes"], r"^\d+ names of metrics or parameters changed",
                         r"^\d+ texts cut to MLflow's limits", r"^\d+ infinite values stored")


@needs("wandb")
class Wandb(Export):
    @classmethod
    def setUpClass(cls):
        cls.folder, cls.said = RESULTS.export("wandb", "wandb")

    def records(self, file):
        """Of a log in LevelDB's form, every checksum checked."""
        from wandb.proto import wandb_internal_pb2
        data = file.read_bytes()
        self.assertEqual(data[:7], b":W&B\xe1\xbe\0")
        at, whole = 7, b""
        while at < len(data):
            room = 32768 - at % 32768
            if room < 7:
                at += room
                continue
            checksum, size, piece = struct.unpack("<IHB", data[at:at + 7])
            part = data[at + 7:at + 7 + size]
            self.assertEqual(checksum, zlib.crc32(bytes([piece]) + part))
            whole += part
            at += 7 + size
            if piece in (1, 4):  # the whole of a record, or the last of it
                yield wandb_internal_pb2.Record.FromString(whole)
                whole = b""

    def test_every_value(self):
        trials = {key for key, row in RESULTS.trials().items() if row["state"] != "planned"}
        for folder in self.folder.glob("offline-run-*"):
            trial = folder.name.rsplit("-", 1)[1]
            trials.remove(trial)
            got = {}
            for record in self.records(folder / f"run-{trial}.wandb"):
                for item in record.history.item:
                    name, = item.nested_key
                    if name not in ("_step", "_timestamp", "_runtime"):
                        got.setdefault(name, {})[record.history.step.num] = json.loads(item.value_json)
            self.check_points(trial, got)
        self.assertEqual(trials, set())
        self.check_notes(self.said["notes"], "^1 trial that never started")

    def test_sync_uploads_a_run_of_every_state(self):
        from wandb_server import WandbServer
        trials = {row["state"]: row for row in RESULTS.trials().values()
                  if row["state"] != "planned"}
        trials = {row["trial"]: row for row in trials.values()}
        server = WandbServer()
        self.addCleanup(server.close)
        home = RESULTS.folder / "home"
        home.mkdir()
        environment = {**os.environ, "HOME": str(home), "WANDB_BASE_URL": server.url,
                       "WANDB_API_KEY": "0" * 40, "WANDB_ERROR_REPORTING": "false"}
        folders = [next(self.folder.glob(f"offline-run-*-{trial}")) for trial in trials]
        run = subprocess.run([program("wandb"), "sync", *folders], cwd=self.folder, env=environment,
                             capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertEqual(set(server.runs), set(trials))
        for trial, sent in server.runs.items():
            self.check_run(trial, trials[trial], sent)

    def check_run(self, trial, row, sent):
        got = {}
        for line in sent["history"].values():
            for name, value in line.items():
                if name not in ("_step", "_timestamp", "_runtime"):
                    got.setdefault(name, {})[line["_step"]] = value
        self.check_points(trial, got)
        config = {key: each["value"] for key, each in sent["config"].items() if key != "_wandb"}
        self.assertEqual(config["args"]["lr"], RESULTS.params(trial)["args.lr"])
        self.assertEqual(config["args"]["<script>"], "a\r\nb,\"c\"\0d")
        self.assertEqual(config["args"]["flag"], True)
        self.assertEqual(config["chosen"], 3)
        self.assertEqual(config["mvn"]["costs"], RESULTS.costs(trial))
        self.assertEqual(sent["groupName"], row["params"][:128])
        self.assertEqual(sent["tags"], [row["state"]])
        if row["state"] != "running":
            self.assertEqual(sent["exit"], 0 if row["state"] in ("done", "stopped") else 1)


@needs("trackio")
class Trackio(Export):
    @classmethod
    def setUpClass(cls):
        cls.folder, cls.said = RESULTS.export("trackio", "trackio")

    def ask(self, code):
        """What a program that begins with Trackio prints as JSON."""
        begin = ("import json\nfrom trackio.sqlite_storage import SQLiteStorage as storage\n"
                 "project, = storage.get_projects()\nrecords = storage.get_run_records(project)\n")
        run = subprocess.run([sys.executable, "-c", begin + code],
                             env={**os.environ, "TRACKIO_DIR": str(self.folder)},
                             capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 0, run.stderr)
        return json.loads(run.stdout)

    def test_every_value(self):
        runs = self.ask("print(json.dumps({each['id']: storage.get_logs(project, each['name'],"
                        " run_id=each['id']) for each in records}))")
        trials = RESULTS.trials()
        self.assertEqual({run[:12] for run in runs},
                         {key for key, row in trials.items() if row["state"] != "planned"})
        for run, logs in runs.items():
            got = {}
            for row in logs:
                for name, value in row.items():
                    if name not in ("step", "timestamp"):
                        got.setdefault(name, {})[row["step"]] = value
            self.check_points(run[:12], got)

    def test_configurations(self):
        configs = self.ask("print(json.dumps(storage.get_all_run_configs(project)))")
        self.assertEqual(len(configs), len(RESULTS.trials()))
        for config in configs.values():
            want = RESULTS.params(config["mvn.trial"][:12])
            self.assertEqual({name: config[name] for name in want}, want)

    def test_an_empty_run_is_said(self):
        self.check_notes(self.said["notes"], "^1 trial without a value")


@needs("optuna")
class Optuna(Export):
    @classmethod
    def setUpClass(cls):
        import optuna
        optuna.logging.set_verbosity(optuna.logging.WARNING)
        cls.optuna = optuna
        cls.file, cls.said = RESULTS.export("optuna", "optuna.db")
        cls.study = optuna.load_study(study_name=RESULTS.demo, storage=f"sqlite:///{cls.file}")

    def test_trials(self):
        state = {"done": "COMPLETE", "stopped": "PRUNED", "running": "RUNNING",
                 "planned": "WAITING", "interrupted": "WAITING"}
        trials = RESULTS.trials()
        self.assertEqual(len(self.study.trials), len(trials))
        without = 0
        for number, trial in enumerate(self.study.trials):
            self.assertEqual(trial.number, number)
            short = trial.user_attrs["mvn.trial"][:12]
            row = trials[short]
            no_value = row["state"] == "done" and row["objective"] is None
            without += no_value
            self.assertEqual(trial.state.name,
                             "FAIL" if no_value else state.get(row["state"], "FAIL"))
            if trial.state.name in ("COMPLETE", "PRUNED"):
                self.assertEqual(trial.value, row["objective"])
            else:
                self.assertIsNone(trial.values)
            want = json.loads(row["parameters"])
            self.assertEqual(trial.params, {key: want[key] for key in want if key != "seed"})
            self.assertEqual(trial.user_attrs["seed"], row["seed"])
            curve = RESULTS.points(short).get("eval/accuracy", {})
            self.assertEqual(set(trial.intermediate_values), set(curve))
            for step, value in curve.items():
                self.assertTrue(same(trial.intermediate_values[step], value))
            for name, value in RESULTS.costs(short).items():
                self.assertEqual(trial.user_attrs[f"cost.{name}"], value)
        self.check_notes(self.said["notes"], f"^{without} trials that ended without a number")

    def test_distributions_are_those_of_the_sweep(self):
        from optuna.distributions import (CategoricalDistribution, FloatDistribution,
                                          IntDistribution)
        for trial in self.study.trials:
            self.assertEqual(trial.distributions, {
                "args.lr": FloatDistribution(1e-4, 1.0, log=True),
                "args.layers": IntDistribution(2, 3),
                "args.mode": CategoricalDistribution(["ok", "nan", "inf", "fail", "diverge"]),
                "args.mixed": CategoricalDistribution([1, "x"])})
        self.assertEqual(self.study.direction.name, "MAXIMIZE")
        self.assertEqual(self.study.metric_names, ["eval/accuracy"])

    def test_optuna_goes_on_from_it(self):
        copy = self.file.with_name("optuna-copy.db")
        copy.write_bytes(self.file.read_bytes())
        study = self.optuna.load_study(study_name=RESULTS.demo, storage=f"sqlite:///{copy}")
        before = len(study.trials)
        study.optimize(lambda trial: trial.suggest_float("args.lr", 1e-4, 1.0, log=True),
                       n_trials=4)
        self.assertGreater(len(study.trials), before)

    def test_a_study_for_each_stage(self):
        file, said = RESULTS.export("optuna", "stages.db", sweep="two.stages")
        self.assertEqual(said["notes"], [])
        storage = f"sqlite:///{file}"
        self.assertEqual(self.optuna.get_all_study_names(storage),
                         ["two.stages/first", "two.stages/second"])
        first = self.optuna.load_study(study_name="two.stages/first", storage=storage)
        self.assertEqual(first.direction.name, "MINIMIZE")
        second = self.optuna.load_study(study_name="two.stages/second", storage=storage)
        self.assertEqual(second.direction.name, "MAXIMIZE")
        self.assertEqual(second.trials[0].distributions["args.lr"],
                         self.optuna.distributions.FloatDistribution(0, 1, step=0.5))
        self.assertEqual({trial.params["args.none"] for trial in second.trials},
                         {None, "[1,2]", True})


class Csv(Export):
    @classmethod
    def setUpClass(cls):
        cls.folder, cls.said = RESULTS.export("csv", "csv")

    def read(self, name, folder=None):
        with open((folder or self.folder) / name, newline="", encoding="utf-8") as file:
            return list(csv.DictReader(file))

    @staticmethod
    def text(value):
        return "" if value is None else str(value)

    def test_every_value(self):
        got = {}
        for row in self.read("metrics.csv"):
            steps = got.setdefault(row["trial"], {}).setdefault(row["name"], {})
            self.assertNotIn(int(row["step"]), steps)
            steps[int(row["step"])] = float(row["value"])
        for trial, row in RESULTS.trials().items():
            if row["state"] != "planned":
                self.check_points(trial, got.pop(trial))
        self.assertEqual(got, {})

    def test_trials(self):
        trials = RESULTS.trials()
        rows = self.read("trials.csv")
        self.assertEqual([row["trial"] for row in rows], list(trials))
        for row in rows:
            want = trials[row["trial"]]
            for column in ("stage", "state", "seed", "metric", "step", "steps", "attempts", "message",
                           "group_id", "current", "draw", "folder", "id"):
                self.assertEqual(row[column], self.text(want[column]), column)
            self.assertEqual(row["configuration"], want["params"])
            for column in ("objective", "seconds"):
                self.assertEqual(row[column] and float(row[column]),
                                 self.text(want[column]) and want[column])
            for key, value in json.loads(want["parameters"]).items():
                if key != "seed":
                    self.assertEqual(row[f"params.{key}"] if isinstance(value, str)
                                     else float(row[f"params.{key}"]), value)
            for name, steps in RESULTS.points(row["trial"]).items():
                self.assertTrue(same(float(row[f"metrics.{name}"]), steps[max(steps)]))

    def test_parameters_and_costs(self):
        for file, want in (("params.csv", RESULTS.params), ("costs.csv", RESULTS.costs)):
            got = {}
            for row in self.read(file):
                got.setdefault(row["trial"], {})[row["name"]] = row["value"]
            for trial, values in got.items():
                wanted = want(trial)
                self.assertEqual(set(values), set(wanted))
                for name, value in wanted.items():
                    self.assertEqual(values[name] if isinstance(value, str)
                                     else float(values[name]), value)

    def test_formulas_are_told_of_and_quoted_when_asked_for(self):
        self.check_notes(self.said["notes"], "spreadsheet would take for formulas are as they were")
        folder, said = RESULTS.export("csv", "sheet", "--for-spreadsheets")
        self.check_notes(said["notes"], "have a ' in front")
        values = {row["name"]: row["value"] for row in self.read("params.csv", folder)}
        self.assertEqual(values["args.it's; DROP TABLE x; --"], "'=cmd|' /C calc'!A0")
        self.assertEqual(values["args.../x"], "'@SUM(1)")
        self.assertEqual(values["args.minus"], "-1")
        finals = [row["value"] for row in self.read("metrics.csv", folder)
                  if row["name"] == "down"]
        self.assertEqual(set(finals), {"-Infinity"})

    def test_earlier_trials_when_asked_for(self):
        folder, _ = RESULTS.export("csv", "all", "--all")
        self.assertEqual({row["trial"] for row in self.read("trials.csv", folder)},
                         set(RESULTS.trials(all_of_them=True)))

    @needs("pandas")
    def test_pandas_reads_them(self):
        import pandas
        metrics = pandas.read_csv(self.folder / "metrics.csv", dtype={"trial": str},
                                  keep_default_na=False, na_values=["NaN"])
        self.assertEqual(metrics["value"].dtype, float)
        self.assertEqual(len(metrics), self.said["values"])
        self.assertEqual(set(metrics[metrics["name"] == "up"]["value"]), {math.inf})
        trials = pandas.read_csv(self.folder / "trials.csv", dtype={"trial": str})
        self.assertEqual(len(trials), self.said["trials"])
        self.assertEqual(trials["metrics.train/loss"].dtype, float)
        params = pandas.read_csv(self.folder / "params.csv", dtype=str, keep_default_na=False)
        self.assertEqual(set(params[params["name"] == "args.<script>"]["value"]),
                         {"a\r\nb,\"c\"\0d"})


@needs("pandas")
class Pandas(Export):
    def test_two_lines_of_the_document(self):
        import pandas
        db = sqlite3.connect(RESULTS.database)
        self.addCleanup(db.close)
        frame = pandas.read_sql("SELECT * FROM metrics", db)
        self.assertEqual(len(frame), RESULTS.rows("SELECT count(*) AS n FROM metrics")[0]["n"])
        try:
            importlib.import_module("pyarrow")
        except ImportError:
            self.skipTest("pyarrow is not installed")
        frame.to_parquet(RESULTS.folder / "metrics.parquet")
        back = pandas.read_parquet(RESULTS.folder / "metrics.parquet")
        self.assertEqual(back["value"].to_list()[:50], frame["value"].to_list()[:50])


@needs("datasette")
class Datasette(Export):
    @classmethod
    def setUpClass(cls):
        cls.folder, cls.said = RESULTS.export("datasette", "datasette")

    def get(self, *paths):
        """The bodies of pages, as Datasette serves them."""
        import datasette
        newer = int(datasette.__version__.split(".")[0]) >= 1
        config = ["--config", self.folder / "datasette.yaml"] if newer else []
        bodies = []
        for path in paths:
            run = subprocess.run([program("datasette"), RESULTS.database,
                                  "--setting", "sql_time_limit_ms", "600000", "--metadata",
                                  self.folder / "metadata.yaml", *config, "--get", path],
                                 capture_output=True, text=True, check=False)
            self.assertEqual(run.returncode, 0, run.stderr + run.stdout[:500])
            bodies.append(run.stdout)
        return bodies

    def test_both_files_have_the_same_queries(self):
        import yaml
        metadata = yaml.safe_load((self.folder / "metadata.yaml").read_text())
        config = yaml.safe_load((self.folder / "datasette.yaml").read_text())
        self.assertEqual(metadata["databases"]["results"]["queries"],
                         config["databases"]["results"]["queries"])
        self.assertEqual(metadata["title"], "Results of " + RESULTS.demo)
        views = {row["name"] for row in RESULTS.rows(
            "SELECT name FROM sqlite_schema WHERE type = 'view' AND name NOT GLOB 'mvn_*'")}
        shown = {name for name, table in metadata["databases"]["results"]["tables"].items()
                 if not table.get("hidden")}
        self.assertEqual(shown, views)
        for name in shown:
            columns = {row["name"] for row in RESULTS.rows(
                "SELECT name FROM pragma_table_info(?)", name)}
            described = metadata["databases"]["results"]["tables"][name]["columns"]
            self.assertLessEqual(set(described), columns)

    def test_every_query_runs(self):
        import yaml
        queries = yaml.safe_load((self.folder / "metadata.yaml").read_text())
        names = list(queries["databases"]["results"]["queries"])
        asked = urllib.parse.urlencode({"sweep": RESULTS.demo, "parameter": "args.lr",
                                        "_shape": "objects"})
        answers = dict(zip(names, map(json.loads, self.get(
            *[f"/results/{name}.json?{asked}" for name in names]))))
        for name, answer in answers.items():
            self.assertTrue(answer["ok"], (name, answer))
            self.assertEqual(bool(answer["rows"]), name != "warnings", name)
            for row in answer["rows"]:
                self.assertEqual(row["sweep"], RESULTS.demo)

    def test_nothing_of_a_name_is_html(self):
        page, view = self.get("/", "/results/group_stats")
        self.assertNotIn("<script>alert(1)", page)
        self.assertIn("&lt;script&gt;alert(1)", page)
        self.assertIn("95 % interval", view)


class Names(Export):
    """Nothing that somebody called something became a path or SQL."""

    def test_nothing_is_written_elsewhere(self):
        before = {path for path in RESULTS.folder.rglob("*")}
        for kind in ("tensorboard", "mlflow", "wandb", "trackio", "optuna", "csv", "datasette"):
            output, _ = RESULTS.export(kind, f"names-{kind}")
            self.assertTrue(output.exists())
        new = {path.relative_to(RESULTS.folder).parts[0]
               for path in RESULTS.folder.rglob("*") if path not in before}
        self.assertTrue(all(name.startswith("names-") for name in new), new)
        self.assertEqual(RESULTS.rows("PRAGMA integrity_check"), [{"integrity_check": "ok"}])

    def test_the_document_has_every_format(self):
        document = pathlib.Path(__file__).parents[3] / "docs" / "interoperability.md"
        text = document.read_text(encoding="utf-8")
        run = RESULTS.run(["export", "--json"])
        for row in json.loads(run.stdout):
            self.assertIn(f"| `{row['format']}` |", text)

    def test_output_is_harmless_on_a_terminal(self):
        run = RESULTS.run(["export", "csv", RESULTS.demo, "plain"])
        self.assertEqual(run.returncode, 0, run.stderr)
        self.assertNotIn("\x1b", run.stdout)
        self.assertRegex(run.stdout, re.compile(r"^wrote plain: \d+ trials, \d+ values of metrics$",
                                                re.MULTILINE))


class Stopped(Export):
    def test_nothing_is_left_of_an_export_that_was_interrupted(self):
        def wait_with_a_signal():
            signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
            os.kill(os.getpid(), signal.SIGINT)
        before = set(RESULTS.folder.iterdir())
        for kind in ("tensorboard", "mlflow"):
            run = subprocess.run([RESULTS.runner, "export", kind, RESULTS.demo, "stopped"],
                                 cwd=RESULTS.folder, preexec_fn=wait_with_a_signal,
                                 capture_output=True, text=True, check=False)
            self.assertEqual(run.returncode, 130, run.stderr)
            self.assertEqual(set(RESULTS.folder.iterdir()), before)


def main():
    global ARGUMENTS
    parser = argparse.ArgumentParser()
    parser.add_argument("--runner", type=pathlib.Path, required=True)
    parser.add_argument("--worker", type=pathlib.Path, required=True)
    parser.add_argument("--python", type=pathlib.Path)
    parser.add_argument("tests", nargs="*")
    ARGUMENTS = parser.parse_args()
    python = pathlib.Path(os.environ.get("MVN_PYTHON") or ARGUMENTS.python or sys.executable)
    if python.exists() and python != pathlib.Path(sys.executable):
        os.execv(python, [str(python), *sys.argv])
    unittest.main(argv=[sys.argv[0], *ARGUMENTS.tests], verbosity=2)


if __name__ == "__main__":
    main()
