"""What a user's shell makes of mvn-runner: completions in bash, zsh and fish, and the manual page."""
import argparse
import os
import pathlib
import pty
import select
import shutil
import subprocess
import sys
import tempfile
import unittest

RUNNER = None

SWEEP = """
name: demo
metric: {name: eval/accuracy, goal: maximize}
worker: {command: [python3, train.py]}
parameters: {args.method: {values: [old, new]}}
"""
PROGRAM = """
import json, sys
trial = json.load(open(sys.argv[1]))
record = {"type": "metric", "step": 1, "values": {"eval/accuracy": 0.5}}
open(trial["spool"], "a").write(json.dumps(record) + "\\n")
"""


class Shell(unittest.TestCase):
    """A folder with results, and mvn-runner in the PATH."""

    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="mvn-shell.")
        cls.addClassCleanup(scratch.cleanup)
        cls.folder = pathlib.Path(scratch.name) / "work"
        cls.folder.mkdir()
        (cls.folder / "sweep.yaml").write_text(SWEEP)
        (cls.folder / "other.yml").write_text(SWEEP)
        (cls.folder / "train.py").write_text(PROGRAM)
        (cls.folder / "notes.txt").write_text("")
        (cls.folder / "a folder").mkdir()
        cls.environment = {"PATH": f"{RUNNER.parent}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8",
                           "HOME": scratch.name, "TERM": "dumb",
                           "MVN_WORKER": str(pathlib.Path(__file__).with_name("fake_worker.py"))}
        cls.run_command("mvn-runner", "sweep.yaml")
        rows = cls.run_command("mvn-runner", "query", "SELECT trial FROM trials ORDER BY trial",
                               "--format", "csv")
        cls.trials = rows.split()[1:]

    @classmethod
    def run_command(cls, *command, **more):
        done = subprocess.run(command, cwd=cls.folder, env=cls.environment, text=True, check=False,
                              capture_output=True, **more)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout


class Bash(Shell):
    def completed(self, *words):
        script = ('source <(mvn-runner completion bash); COMP_WORDS=("$@"); '
                  'COMP_CWORD=$(($# - 1)); _mvn_runner; printf "%s\\n" "${COMPREPLY[@]}"')
        # compopt complains where no completion is going on.
        return self.run_command("bash", "--norc", "-c", script + " 2> /dev/null", "bash",
                                *words).splitlines()

    def test_commands_options_and_values(self):
        self.assertEqual(self.completed("mvn-runner", "sta"), ["status"])
        self.assertEqual(self.completed("mvn-runner", "db", "ba"), ["backup"])
        self.assertEqual(self.completed("mvn-runner", "query", "--for"), ["--format"])
        self.assertEqual(self.completed("mvn-runner", "compare", "demo", "--format", "l"),
                         ["latex"])
        self.assertEqual(self.completed("mvn-runner", "query", "--format", "=", "c"), ["csv"])

    def test_what_the_results_hold(self):
        self.assertEqual(self.completed("mvn-runner", "gc", "d"), ["demo"])
        self.assertEqual(self.completed("mvn-runner", "rerun", ""), self.trials)
        self.assertEqual(self.completed("mvn-runner", "--results", "nowhere", "rerun", ""), [""])
        self.assertEqual(self.completed("mvn-runner", "compare", "demo", "--by", ""),
                         ["args.method"])

    def test_files(self):
        found = self.completed("mvn-runner", "plan", "")
        self.assertEqual(sorted(found), ["a folder", "other.yml", "results", "sweep.yaml"])
        self.assertEqual(sorted(self.completed("mvn-runner", "--results", "")),
                         ["a folder", "results"])
        self.assertIn("sweep.yaml", self.completed("mvn-runner", "sw"))


class Fish(Shell):
    def completed(self, line):
        text = self.run_command("fish", "--no-config", "-c",
                                'mvn-runner completion fish | source; complete -C "$argv"', line)
        return [each.split("\t")[0] for each in text.splitlines()]

    def setUp(self):
        if not shutil.which("fish"):
            self.skipTest("fish is not installed")

    def test_it_completes(self):
        self.assertEqual(self.completed("mvn-runner sta"), ["status"])
        self.assertEqual(self.completed("mvn-runner db ba"), ["backup"])
        self.assertEqual(self.completed("mvn-runner query --format c"), ["csv"])
        self.assertEqual(self.completed("mvn-runner query --format=c"), ["--format=csv"])
        self.assertEqual(self.completed("mvn-runner gc "), ["demo"])
        self.assertEqual(self.completed("mvn-runner rerun "), self.trials)
        self.assertIn("sweep.yaml", self.completed("mvn-runner plan sw"))
        self.assertNotIn("notes.txt", self.completed("mvn-runner plan "))
        self.assertIn("results/", self.completed("mvn-runner --results "))


class Zsh(Shell):
    """As a user sees it: what stands in the line after a tab."""

    def setUp(self):
        if not shutil.which("zsh"):
            self.skipTest("zsh is not installed")

    def completed(self, line):
        """The line after a tab, which has to be one that can be completed in one way alone."""
        shell, terminal = pty.fork()
        if shell == 0:
            os.chdir(self.folder)
            os.execvpe("zsh", ["zsh", "-f", "-i"], self.environment | {"PS1": ""})
        try:
            os.write(terminal, b"PS1=; autoload -U compinit && compinit -D -u; "
                               b"source <(mvn-runner completion zsh); echo re''ady\n")
            self.read_until(terminal, "ready")
            # Whatever the line then is becomes the argument of a command that shows it.
            os.write(terminal, b"bindkey '^X' beginning-of-line; echo se''t\n")
            self.read_until(terminal, "set")
            os.write(terminal, line.encode() + b"\t" + b"\x18" + b"print -r 'whole:" +
                     b"\x05" + b"'\n")
            found = self.read_until(terminal, "\nwhole:", "\n")
        finally:
            os.close(terminal)
            os.waitpid(shell, 0)
        return found.strip()

    def read_until(self, terminal, text, then=""):
        seen = ""
        while True:
            ready, _, _ = select.select([terminal], [], [], 60)
            self.assertTrue(ready, f"no {text!r} in {seen!r}")
            seen += os.read(terminal, 4096).decode(errors="replace").replace("\r", "")
            at = seen.find(text)
            if at >= 0 and seen.find(then, at + len(text)) >= 0:
                return seen[at + len(text):].split(then)[0] if then else seen

    def test_it_completes(self):
        self.assertEqual(self.completed("mvn-runner sta"), "mvn-runner status")
        self.assertEqual(self.completed("mvn-runner db ba"), "mvn-runner db backup")
        self.assertEqual(self.completed("mvn-runner query --format c"),
                         "mvn-runner query --format csv")
        self.assertEqual(self.completed("mvn-runner query --format=c"),
                         "mvn-runner query --format=csv")
        self.assertEqual(self.completed("mvn-runner gc d"), "mvn-runner gc demo")
        self.assertEqual(self.completed("mvn-runner rerun " + self.trials[0][:8]),
                         "mvn-runner rerun " + self.trials[0])
        self.assertEqual(self.completed("mvn-runner plan sw"), "mvn-runner plan sweep.yaml")
        self.assertEqual(self.completed("mvn-runner --results res"), "mvn-runner --results results")

    def test_the_installed_file_is_loaded_by_name(self):
        functions = self.folder / "functions"
        functions.mkdir()
        (functions / "_mvn-runner").write_text(self.run_command("mvn-runner", "completion", "zsh"))
        said = self.run_command("zsh", "-f", "-c", f"fpath=({functions} $fpath); autoload -U compinit "
                                "&& compinit -D -u; print ${_comps[mvn-runner]}")
        self.assertEqual(said, "_mvn-runner\n")


class Manual(Shell):
    def test_it_is_clean(self):
        page = self.folder / "mvn-runner.1"
        self.run_command("mvn-runner", "man", "--date", "2026-01-31", "--output", str(page))
        text = page.read_text()
        for word in ("db merge OTHER", "keep\\-best", "mvn\\-runner query", "NO_COLOR"):
            self.assertIn(word, text)
        checkers = {"groff": ["-man", "-z", "-ww"], "mandoc": ["-Tlint", "-W", "style"]}
        checked = 0
        for program, options in checkers.items():
            if shutil.which(program):
                done = subprocess.run([program, *options, str(page)], capture_output=True, text=True,
                                      check=False)
                self.assertEqual((done.stdout, done.stderr), ("", ""), program)
                checked += 1
        if checked == 0:
            self.skipTest("neither groff nor mandoc is installed")

    def test_it_has_every_command(self):
        page = self.run_command("mvn-runner", "man")
        commands = [line.split("\t")[0]
                    for line in self.run_command("mvn-runner", "complete", "--", "").splitlines()
                    if not line.startswith(":")]
        self.assertGreater(len(commands), 15)
        for command in commands:
            self.assertIn('.SS "' + command.replace("-", "\\-"), page)

    def test_every_command_has_an_example(self):
        for line in self.run_command("mvn-runner", "complete", "--", "").splitlines():
            if line.startswith(":"):
                continue
            command = line.split("\t")[0]
            help_text = self.run_command("mvn-runner", command, "--help")
            self.assertIn("\n  mvn-runner " + command, help_text)


def main():
    global RUNNER  # pylint: disable=global-statement
    parser = argparse.ArgumentParser()
    parser.add_argument("--runner", required=True, type=pathlib.Path)
    options, rest = parser.parse_known_args()
    RUNNER = options.runner.resolve()
    unittest.main(argv=[sys.argv[0], *rest], verbosity=2)


if __name__ == "__main__":
    main()
