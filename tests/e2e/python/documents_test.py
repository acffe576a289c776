"""Runs docs/from-others.md and docs/python.md: a block that names a file is that file, and the shell
blocks of its section are typed beside it.
"""

import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from trying import PYTHON, has, take_runner

SOURCE = pathlib.Path(__file__).resolve().parents[3]
RUNNER = ""


def sections(document):
    """Title -> [language, file name or "", text] of its blocks."""
    text = (SOURCE / "docs" / document).read_text(encoding="utf-8")
    parts = re.split(r"^## (.*)$", text, flags=re.MULTILINE)
    block = re.compile(r"^```(\w+) ?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
    return {title: block.findall(body) for title, body in zip(parts[1::2], parts[2::2])}


class Documents(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory(prefix="mvn-documents.")
        self.addCleanup(scratch.cleanup)
        self.folder = pathlib.Path(scratch.name)
        programs = self.folder / "bin"
        programs.mkdir()
        for name, target in {"mvn-runner": RUNNER, "python3": PYTHON}.items():
            (programs / name).write_text(f'#!/bin/sh\nexec "{target}" "$@"\n')
            (programs / name).chmod(0o755)
        self.environment = {
            **os.environ,
            "PATH": f"{programs}:{os.environ['PATH']}",
            "PYTHONPATH": str(SOURCE / "framework" / "python"),
            "MVN_RUNNER": RUNNER,
        }

    def type(self, *command):
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        self.assertEqual(done.returncode, 0, done.stdout)
        return done.stdout

    def follow(self, blocks):
        for _, name, text in blocks:
            if name:
                (self.folder / name).parent.mkdir(exist_ok=True)
                (self.folder / name).write_text(text)
        return "".join(
            self.type("bash", "-e", "-c", text) for language, _, text in blocks if language == "sh"
        )

    def test_wandb(self):
        told = self.follow(sections("from-others.md")["W&B"])
        self.assertIn("4 of 4 trials done", told)

    def test_optuna(self):
        told = self.follow(sections("from-others.md")["Optuna"])
        self.assertRegex(told, r"of 12 trials done")
        if has("optuna"):
            self.type("python3", "optuna_study.py")

    @unittest.skipUnless(has("hydra"), "needs hydra-core")
    def test_hydra(self):
        self.assertIn("4 of 4 trials done", self.follow(sections("from-others.md")["Hydra"]))

    def test_ray_tune(self):
        self.assertRegex(self.follow(sections("from-others.md")["Ray Tune"]), r"of 8 trials done")

    def test_axolotl(self):
        self.follow(sections("from-others.md")["Axolotl"])
        asked = subprocess.run(
            [RUNNER, "plan", "sweep.yaml"],
            cwd=self.folder,
            text=True,
            capture_output=True,
            check=False,
        )
        # All that is missing is the model and the data.
        problems = [line for line in asked.stderr.splitlines() if line.startswith("sweep.yaml:")]
        self.assertTrue(problems)
        for problem in problems:
            self.assertRegex(problem, r"mistral-7b|train\.txt|validation\.txt")

    def test_from_python(self):
        found = sections("python.md")
        told = self.follow(found["A trial"])
        self.assertIn("4 of 4 trials done", told)
        self.follow(found["Results"])
        self.type("python3", "results.py")


if __name__ == "__main__":
    RUNNER = take_runner()
    unittest.main(verbosity=2)
