"""The package mvn_runner: in a trial and outside of one, results as tables, callbacks, a notebook.

What needs pandas, a training library, mypy or Jupyter skips itself where they are not installed;
MVN_PYTHON names the Python to try with.
"""

import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile
import unittest

from trying import PYTHON, has, take_runner

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[2]
PACKAGE = SOURCE / "framework" / "python"
RUNNER = ""


TRIAL = """
import mvn_runner
trial = mvn_runner.trial(lr=9.0, steps=3)
assert trial.active and trial.args["lr"] == 0.5 and trial.args["steps"] == 3, trial.args
assert trial.config["seed"] == trial.seed and trial.threads >= 1 and trial.device == "cpu"
for step in range(1, trial.args["steps"] + 1):
    trial.log({"train/loss": trial.args["lr"] / step}, step=step)
    trial.progress(step, 3)
trial.log(step=3, **{"eval/loss": trial.seed})
trial.log({"nan": float("nan")}, step=3)
trial.event("look", level="info")
trial.cost(tokens=7)
trial.param(width=4)
(trial.folder / "out.txt").write_text("12345")
trial.artifact(trial.folder / "out.txt", kind="text")
assert trial.latest_checkpoint() is None
for step in (5, 40, 7):
    trial.checkpoint(step).mkdir(parents=True)
assert trial.latest_checkpoint().name == "step-40"
assert not trial.should_stop
try:
    trial.log(text="no number")
    raise SystemExit("a text was logged")
except TypeError as error:
    assert "'text' is no number" in str(error)
"""

OUTSIDE = """
import os, mvn_runner
before = set(os.listdir("."))
trial = mvn_runner.trial(lr=0.25)
assert not trial.active and trial.args == {"lr": 0.25} and trial.seed == 0
trial.log(loss=1); trial.progress(1, 2); trial.event("x"); trial.cost(a=1); trial.param(b=2)
assert not trial.should_stop and trial.latest_checkpoint() is None
assert set(os.listdir(".")) == before
"""

STOPS = """
import os, signal, sys, mvn_runner
trial = mvn_runner.trial()
start = trial.checkpoint_steps()[0] if trial.checkpoint_steps() else 0
for step in range(start + 1, 7):
    trial.log(loss=step, step=step)
    if step == 3:
        os.kill(os.getpid(), signal.SIGTERM)
    if trial.should_stop:
        trial.checkpoint(step).mkdir(parents=True)
        trial.go_on_later()
"""

RANKS = """
import os, subprocess, sys, mvn_runner
mvn_runner.trial().log(loss=int(os.environ.get("RANK", "0")), step=1)
if "RANK" not in os.environ:
    for rank in ("0", "1"):
        subprocess.run([sys.executable, __file__], env={**os.environ, "RANK": rank}, check=True)
"""

TABLES = """
import mvn_runner
results = mvn_runner.Results("results", frame=FRAME)
trials = results.trials("sweep")
assert list(trials["args.lr"]) == [0.5, 0.5], trials
assert sorted(results.finals("sweep", "eval/loss")["value"]) == [0, 1]
assert list(results.groups()["n"]) == [2]
assert len(results.metrics("sweep", "train/loss")["step"]) == 6
assert list(results.curves("sweep", "train/loss")["mean"])[0] == 0.5
assert list(results.query("SELECT count(*) AS n FROM trials")["n"]) == [2]
shown = results._repr_html_()
assert "<table>" in shown and "args.lr" not in shown
try:
    results.query("DELETE FROM mvn_trial")
    raise SystemExit("it was written to")
except Exception as error:
    assert "readonly" in str(error), error
try:
    mvn_runner.Results("nowhere")
    raise SystemExit("there are no results")
except FileNotFoundError as error:
    assert "no results there" in str(error)
"""


class Place(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="mvn-package.")
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        self.environment = {**os.environ, "PYTHONPATH": str(PACKAGE), "MVN_RUNNER": RUNNER}

    def python(self, code, *arguments):
        done = subprocess.run(
            [PYTHON, "-c", code, *arguments],
            cwd=self.folder,
            text=True,
            env=self.environment,
            capture_output=True,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def run_sweep(self, program, rest="", rates="[0.5]", expected=0):
        (self.folder / "train.py").write_text(program)
        (self.folder / "sweep.yaml").write_text(
            f"worker: {{command: ['{PYTHON}', train.py]}}\nretry: {{crash: 0}}\n"
            "metric: {name: eval/loss, goal: minimize}\n"
            f"parameters: {{args.lr: {{values: {rates}}}}}\n{rest}"
        )
        done = subprocess.run(
            [RUNNER, "sweep.yaml"],
            cwd=self.folder,
            capture_output=True,
            text=True,
            env=self.environment,
            check=False,
        )
        logs = "".join(
            file.read_text() for file in self.folder.glob("results/*/*/attempts/*/log.txt")
        )
        self.assertEqual(done.returncode, expected, done.stdout + done.stderr + logs)
        return done.stdout

    def ask(self, sql):
        with sqlite3.connect(self.folder / "results" / "results.db") as database:
            return database.execute(sql).fetchall()

    def metric(self, name):
        return self.ask(f"SELECT step, value FROM metrics WHERE name = '{name}' ORDER BY step")


class Trial(Place):
    def test_what_a_trial_reports_is_in_the_database(self):
        self.run_sweep(TRIAL)
        self.assertEqual(self.metric("train/loss"), [(1, 0.5), (2, 0.25), (3, 0.5 / 3)])
        self.assertEqual(self.metric("eval/loss"), [(3, 0.0)])
        self.assertEqual(self.metric("nan"), [(3, None)])
        self.assertEqual(self.ask("SELECT level, message FROM events"), [("info", "look")])
        self.assertEqual(self.ask("SELECT value FROM costs WHERE name = 'tokens'"), [(7.0,)])
        self.assertEqual(self.ask("SELECT value FROM params WHERE name = 'width'"), [(4,)])
        self.assertEqual(self.ask("SELECT kind, bytes FROM artifacts"), [("text", 5)])
        self.assertEqual(self.ask("SELECT steps FROM trials"), [(3,)])

    def test_outside_of_a_sweep_nothing_happens(self):
        self.environment.pop("MVN_TRIAL", None)
        self.python(OUTSIDE)

    def test_it_stops_with_a_checkpoint_and_goes_on(self):
        self.run_sweep(STOPS, expected=1)
        self.assertEqual([step for step, _ in self.metric("loss")], [1, 2, 3])
        self.run_sweep(STOPS)
        self.assertEqual([step for step, _ in self.metric("loss")], [1, 2, 3, 4, 5, 6])

    def test_one_of_several_processes_reports(self):
        self.run_sweep(RANKS)
        self.assertEqual(self.metric("loss"), [(1, 0.0)])

    def version(self):
        return subprocess.run(
            [PYTHON, "-m", "mvn_runner", "--version"],
            env=self.environment,
            text=True,
            capture_output=True,
            check=False,
        )

    def test_the_programs_are_found(self):
        self.environment.pop("MVN_RUNNER")
        self.environment["PATH"] = f"{pathlib.Path(RUNNER).parent}:{os.environ['PATH']}"
        done = self.version()
        self.assertIn("mvn-runner", done.stdout, done.stderr)
        self.environment["MVN_RUNNER"] = "/nowhere/mvn-runner"
        done = self.version()
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1), done.stderr)


class Tables(Place):
    def setUp(self):
        super().setUp()
        self.run_sweep(TRIAL, "repeats: {seeds: [0, 1]}\n")

    def test_without_any_library(self):
        self.python(TABLES.replace("FRAME", "'table'"))

    def test_a_comparison_is_the_runners(self):
        self.run_sweep(
            "import mvn_runner\ntrial = mvn_runner.trial()\n"
            "trial.log({'eval/loss': trial.args['lr'] + trial.seed / 100}, step=1)\n",
            "name: two\nrepeats: {seeds: [0, 1, 2]}\n",
            "[0.5, 1.0]",
        )
        self.python(
            "import mvn_runner\nresults = mvn_runner.Results()\n"
            "[found] = results.compare('two', 'args.lr')['comparisons']\n"
            "assert found, found\n"
            "try:\n    results.compare('sweep', 'args.lr')\n"
            "except ValueError as error:\n    assert 'only one arm' in str(error)\n"
        )

    @unittest.skipUnless(has("pandas"), "needs pandas")
    def test_of_pandas(self):
        self.python(TABLES.replace("FRAME", "'pandas'"))

    @unittest.skipUnless(has("polars"), "needs polars")
    def test_of_polars(self):
        self.python(TABLES.replace("FRAME", "'polars'"))

    @unittest.skipUnless(has("matplotlib"), "needs matplotlib")
    def test_a_plot(self):
        self.python(
            "import matplotlib; matplotlib.use('Agg'); import mvn_runner\n"
            "axes = mvn_runner.Results().plot('sweep', 'train/loss')\n"
            "assert len(axes.lines) == 1 and axes.get_ylabel() == 'train/loss'"
        )

    @unittest.skipUnless(has("nbclient", "ipykernel", "pandas"), "needs nbclient and ipykernel")
    def test_a_notebook(self):
        cells = [
            "import mvn_runner\nresults = mvn_runner.Results()\nresults",
            "results.trials('sweep')[['params', 'seed', 'objective']]",
        ]
        code = (
            "import json, sys, nbformat, nbclient\n"
            "cells = [nbformat.v4.new_code_cell(text) for text in json.loads(sys.argv[1])]\n"
            "book = nbformat.v4.new_notebook(cells=cells)\n"
            "nbclient.NotebookClient(book, timeout=120, kernel_name='python3').execute()\n"
            "print(json.dumps([cell.outputs[0].data['text/html'] for cell in book.cells]))"
        )
        drawn, table = json.loads(self.python(code, json.dumps(cells)))
        self.assertIn("<svg", drawn)
        self.assertIn("objective", table)


class Callbacks(Place):
    def program(self, name, replace):
        text = (HERE / "wandb_programs" / name).read_text()
        for old, new in replace.items():
            self.assertIn(old, text)
            text = text.replace(old, new)
        return text

    @unittest.skipUnless(has("transformers", "torch", "accelerate"), "needs transformers and torch")
    def test_of_transformers(self):
        self.run_sweep(
            self.program(
                "hf_trainer.py",
                {
                    'report_to="wandb"': 'report_to="none"',
                    "import transformers\n": "import transformers\n"
                    "from mvn_runner.callbacks.transformers import TrialCallback\n",
                    "eval_dataset=data)": "eval_dataset=data, callbacks=[TrialCallback()])",
                },
            )
        )
        self.assertEqual([step for step, _ in self.metric("train/loss")], [2, 4])
        self.assertEqual([step for step, _ in self.metric("eval/loss")], [4])
        self.assertEqual(self.ask("SELECT step, steps FROM trials"), [(4, 4)])

    @unittest.skipUnless(has("lightning", "torch"), "needs lightning and torch")
    def test_of_lightning(self):
        self.run_sweep(
            self.program(
                "lightning_logger.py",
                {
                    "from lightning.pytorch.loggers import WandbLogger": "from mvn_runner.callbacks.lightning import TrialCallback",
                    'WandbLogger(project="p", save_dir=here, log_model=False)': "False",
                    "logger.watch(torch.nn.Linear(1, 1))\n": "",
                    'logger.log_text("samples", columns=["a"], data=[["b"]])\n': "",
                    "enable_checkpointing=False": "enable_checkpointing=False, callbacks=[TrialCallback()]",
                },
            )
        )
        self.assertEqual([step for step, _ in self.metric("train_loss")], [1, 2, 3, 4])
        self.assertEqual([step for step, _ in self.metric("val_loss")], [4])

    @unittest.skipUnless(has("keras", "torch"), "needs keras and torch")
    def test_of_keras(self):
        self.run_sweep(
            self.program(
                "keras_callback.py",
                {
                    "import wandb  # noqa: E402\n": "",
                    "wandb.init()\n": "",
                    "from wandb.integration.keras import WandbMetricsLogger": "from mvn_runner.callbacks.keras import TrialCallback",
                    "WandbMetricsLogger()": "TrialCallback()",
                },
            )
        )
        self.assertEqual([step for step, _ in self.metric("train/loss")], [1, 2])


class Types(unittest.TestCase):
    @unittest.skipUnless(has("mypy"), "needs mypy")
    def test_strictly(self):
        with tempfile.TemporaryDirectory() as cache:
            done = subprocess.run(
                [
                    PYTHON,
                    "-m",
                    "mypy",
                    "--cache-dir",
                    cache,
                    "--config-file",
                    SOURCE / "pyproject.toml",
                ],
                cwd=SOURCE,
                text=True,
                capture_output=True,
                check=False,
            )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    RUNNER = take_runner()
    unittest.main(verbosity=2)
