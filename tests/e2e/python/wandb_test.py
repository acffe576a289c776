"""Programs of W&B as trials, unchanged: what each logs is in results.db.

wandb_programs/ has the calls of ten kinds of public training scripts. transformers' Trainer and
Lightning's logger are tried where they are installed: MVN_PYTHON names the Python to try with.
"""

import json
import pathlib
import re
import sqlite3
import subprocess
import tempfile
import unittest

from trying import PYTHON, has, take_runner

HERE = pathlib.Path(__file__).resolve().parent
RUNNER = ""


class Place(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="mvn-wandb.")
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)

    def run_program(self, name, extra="", expected=0):
        """One trial of it with args.lr 0.125."""
        (self.folder / "sweep.yaml").write_text(
            f"worker: {{command: ['{PYTHON}', '{HERE / 'wandb_programs' / name}'"
            f"{extra}], tracker: wandb}}\nmetric: {{name: loss, goal: minimize}}\n"
            "parameters: {args.lr: {values: [0.125]}}\nretry: {crash: 0}\n"
        )
        done = subprocess.run(
            [RUNNER, "sweep.yaml"], cwd=self.folder, capture_output=True, text=True, check=False
        )
        log = "".join(
            file.read_text() for file in self.folder.glob("results/*/*/attempts/*/log.txt")
        )
        self.assertEqual(done.returncode, expected, done.stdout + done.stderr + log)
        return done.stdout + done.stderr + log

    def ask(self, sql):
        with sqlite3.connect(self.folder / "results" / "results.db") as database:
            return database.execute(sql).fetchall()

    def metric(self, name):
        return self.ask(f"SELECT step, value FROM metrics WHERE name = '{name}' ORDER BY step")

    def param(self, name):
        return [
            json.loads(value) if isinstance(value, str) and value[:1] in '{["' else value
            for [value] in self.ask(f"SELECT value FROM params WHERE name = '{name}'")
        ]

    @property
    def trial(self):
        [folder] = [path.parent for path in self.folder.glob("results/*/*/attempts")]
        return folder


class Programs(Place):
    def test_nanogpt(self):
        self.run_program("nanogpt.py", ", '${args}'")
        self.assertEqual(self.metric("train/loss"), [(0, 2.0), (1, 1.0), (2, 0.0)])
        self.assertEqual(self.metric("val/loss"), [(0, 0.125), (1, 1.125), (2, 2.125)])
        self.assertEqual(self.param("max_iters"), [3])

    def test_a_sweeps_agent(self):
        self.run_program("sweep_agent.py", ", '${args}'")
        self.assertEqual(self.metric("val.loss"), [(0, 0.125), (1, 0.0625)])
        self.assertEqual(self.metric("best_accuracy"), [(1, 0.75)])

    def test_commits_and_steps(self):
        told = self.run_program("commits.py")
        self.assertEqual(self.metric("a"), [(0, 1.0), (1, 1.0)])
        self.assertEqual(self.metric("b"), [(0, 2.0), (1, 2.0)])
        self.assertEqual(self.metric("c"), [(10, 3.0), (11, None)])
        self.assertEqual(self.metric("d"), [(10, 4.0)])
        self.assertEqual(self.metric("late"), [])
        self.assertIn("a step before the last one", told)

    def test_steps_of_the_programs_own(self):
        self.run_program("defined_steps.py")
        self.assertEqual(self.metric("val/loss"), [(0, 0.25), (1, 0.5)])
        self.assertEqual(self.metric("val/loss.min"), [(0, 0.25), (1, 0.25)])
        self.assertEqual(self.metric("val/acc"), [(0, 0.0), (1, 0.5)])
        self.assertEqual([value for _, value in self.metric("train/loss")], [6, 5, 4, 3, 2, 1])

    def test_media_are_counted_and_tables_kept(self):
        told = self.run_program("media.py")
        self.assertEqual(self.metric("loss"), [(0, 1.0), (1, 0.5), (2, 1 / 3)])
        for kind in ("a list of wandb.Image", "a wandb.Histogram", "a text", "a wandb.Video"):
            # On the terminal and in the trial's log.
            for begin in ("^warning: wandb: ", "WARNING "):
                said = re.findall(f"{begin}.* is {kind}, which is not recorded", told, re.MULTILINE)
                self.assertEqual(len(said), 1, told)
        [[message]] = self.ask("SELECT message FROM events WHERE message LIKE '%left out in all%'")
        self.assertIn("3 x a wandb.Histogram", message)
        [table] = self.trial.glob("wandb/tables/predictions-*.csv")
        self.assertEqual(table.read_bytes(), b'text,label\r\n"a, ""b""",1\r\nc,0\r\n')
        self.assertTrue(list(self.trial.glob("wandb/tables/roc-*.csv")))

    def test_artifacts_files_and_alerts(self):
        self.run_program("artifacts.py")
        [kept] = self.trial.glob("wandb/artifacts/model-*/v0/model.pt")
        self.assertEqual(kept.read_text(), "weights")
        self.assertEqual((kept.parent / "notes.txt").read_text(), "hello")
        self.assertEqual((self.trial / "wandb/files/model.pt").read_text(), "changed")
        self.assertEqual(
            self.ask(
                "SELECT level FROM events WHERE message = 'Low accuracy: below the threshold'"
            ),
            [("warning",)],
        )
        self.assertEqual(self.ask("SELECT kind FROM artifacts"), [("model",)])

    def test_configurations(self):
        self.run_program("config_kinds.py")
        self.assertEqual(self.metric("loss"), [(0, 0.125)])
        self.assertEqual([self.param(name) for name in ("a", "c", "f", "g")], [[2], [3], [6], [7]])

    def test_a_second_run_is_another(self):
        self.run_program("two_runs.py")
        self.assertEqual(self.metric("loss"), [(0, 0.0)])
        self.assertEqual(self.metric("run2/loss"), [(0, 1.0)])

    def test_a_resumed_run_goes_on(self):
        self.run_program("resumed.py", expected=1)
        self.run_program("resumed.py")
        self.assertEqual(self.metric("loss"), [(step, step) for step in range(6)])

    def test_a_tracker_of_others(self):
        self.run_program("accelerate_like.py")
        self.assertEqual(self.metric("loss"), [(5, 0.25)])
        self.assertEqual(self.metric("flag"), [(5, 1.0)])

    def test_a_sweep_in_a_program_is_refused(self):
        told = self.run_program("refused.py", expected=1)
        self.assertIn("mvn-runner import wandb FILE.yaml --output sweep.yaml", told)

    def test_a_sweep_file_as_it_is(self):
        (self.folder / "train.py").write_text(
            (HERE / "wandb_programs" / "sweep_agent.py").read_text()
        )
        (self.folder / "wandb.yaml").write_text(
            "program: train.py\nmethod: grid\nmetric: {name: val.loss, goal: minimize}\n"
            "parameters: {lr: {values: [0.5, 0.25]}, epochs: {value: 2}}\n"
        )
        asked = subprocess.run(
            [RUNNER, "wandb.yaml"], cwd=self.folder, capture_output=True, text=True, check=False
        )
        self.assertEqual(asked.returncode, 64)
        self.assertIn("mvn-runner import wandb", asked.stderr)
        for command in (
            ["import", "wandb", "wandb.yaml", "--output", "sweep.yaml"],
            ["sweep.yaml", "repeats.seeds=[0, 1]"],
        ):
            done = subprocess.run(
                [RUNNER, *command], cwd=self.folder, capture_output=True, text=True, check=False
            )
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(
            self.ask("SELECT n, mean FROM group_stats ORDER BY mean"), [(2, 0.125), (2, 0.25)]
        )


class Libraries(Place):
    @unittest.skipUnless(has("transformers", "torch", "accelerate"), "needs transformers and torch")
    def test_trainer_of_transformers(self):
        self.run_program("hf_trainer.py")
        losses = self.metric("train/loss")
        self.assertEqual([step for step, _ in losses], [2, 4])
        self.assertEqual([step for step, _ in self.metric("eval/loss")], [4])
        self.assertEqual(self.param("model/num_parameters"), [44])

    @unittest.skipUnless(has("lightning", "torch"), "needs lightning and torch")
    def test_logger_of_lightning(self):
        self.run_program("lightning_logger.py")
        self.assertEqual([step for step, _ in self.metric("train_loss")], [0, 1, 2, 3])
        self.assertEqual(len(self.metric("val_loss")), 1)
        self.assertEqual(self.param("width"), [4])

    @unittest.skipUnless(has("keras", "torch"), "needs keras and torch")
    def test_callback_of_keras(self):
        self.run_program("keras_callback.py")
        self.assertEqual(len(self.metric("epoch/loss")), 2)


if __name__ == "__main__":
    RUNNER = take_runner()
    unittest.main(verbosity=2)
