"""Installs the build, moves the tree, and lives from it alone.

Every program runs with an environment of one variable: LD_LIBRARY_PATH, which leads to LibTorch.
"""
import importlib.util
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
BUILD = pathlib.Path(os.environ["MVN_BUILD"])
TORCH = pathlib.Path(os.environ["MVN_TORCH"])
ONLY_TORCH = {"LD_LIBRARY_PATH": str(TORCH / "lib")}
PLUGINS = sorted(file.stem for file in (BUILD / "lib" / "mvn" / "plugins").glob("*.so"))
# What every Linux machine has: glibc and its loader.
GLIBC = re.compile(r"lib(c|m|dl|rt|pthread|util)\.so|ld-linux|linux-vdso")


def run(*command, env=None, cwd=None):
    """Output of a command that must succeed."""
    done = subprocess.run([str(part) for part in command], env=env, cwd=cwd, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    if done.returncode != 0:
        raise AssertionError(f"{command} exited with {done.returncode}:\n{done.stdout}")
    return done.stdout


def is_elf(path):
    if not path.is_file() or path.is_symlink():
        return False
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def write_tiny_data(folder, program):
    """Text, its tokenizer and a sweep of the plugin's model over them."""
    spec = importlib.util.spec_from_file_location("debian_packages", program)
    debian_packages = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(debian_packages)
    text = "the cat sat on the mat and the dog sat on the cat\n" * 60
    (folder / "text.txt").write_text(text)
    vocabulary, merges = debian_packages.train_bpe(text, 280)
    (folder / "tokenizer.json").write_text(
        json.dumps(debian_packages.tokenizer_json(vocabulary, merges)))
    (folder / "sweep.yaml").write_text("""
name: packaged
method: grid
metric: {name: eval/loss, goal: minimize}
model:
  plugin: mingru
  tokenizer: tokenizer.json
  config: {vocab_size: 280, hidden_size: 16, num_hidden_layers: 1}
task: {plugin: pretraining, train: text.txt, validation: text.txt, block: 16}
optimizer: {lr: 0.01}
training: {steps: 8, batch_size: 4}
repeats: {seeds: [0, 1]}
""")


class InstalledTree(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="mvn-packaging.")
        cls.addClassCleanup(cls.scratch.cleanup)
        scratch = pathlib.Path(cls.scratch.name)
        run("cmake", "--install", BUILD, "--prefix", scratch / "installed")
        cls.prefix = scratch / "moved" / "tree"
        cls.prefix.parent.mkdir()
        (scratch / "installed").rename(cls.prefix)
        cls.scratch_path = scratch

    def binaries(self):
        return [path for path in sorted(self.prefix.rglob("*")) if is_elf(path)]

    def describe(self, *arguments):
        return json.loads(run(self.prefix / "bin" / "mvn-worker", "describe", *arguments,
                              env=ONLY_TORCH))

    def test_every_library_is_in_the_tree_or_libtorchs_or_glibcs(self):
        # LibTorch's Python package has CUDA's libraries beside its own folder.
        allowed = [self.prefix.resolve(), TORCH.resolve().parent]
        programs = {binary.name: binary for binary in (self.prefix / "bin").iterdir()}
        self.assertEqual({"mvn-runner", "mvn-supervisor", "mvn-worker"}, set(programs))
        del programs["mvn-supervisor"]  # is linked statically
        own = [*programs.values(), self.prefix / "lib" / "libmvn.so",
               *(self.prefix / "lib" / "mvn" / "plugins").iterdir()]
        self.assertEqual(len(own), 3 + len(PLUGINS))
        for binary in own:
            for line in run("ldd", binary, env=ONLY_TORCH).splitlines():
                name, _, target = line.strip().partition(" => ")
                if GLIBC.match(pathlib.Path(name.split()[0]).name):
                    continue
                self.assertNotIn("not found", line, binary)
                self.assertTrue(target, f"{binary}: {line}")
                library = pathlib.Path(target.split()[0]).resolve()
                self.assertTrue(any(library.is_relative_to(place) for place in allowed),
                                f"{binary} takes {library}")

    def test_no_binary_remembers_where_it_was_built(self):
        for binary in self.binaries():
            paths = re.findall(r"R(?:UN)?PATH.*\[(.*)\]", run("readelf", "-d", binary))
            for path in ":".join(paths).split(":"):
                self.assertTrue(path == "" or path.startswith("$ORIGIN"), f"{binary}: {path}")
            self.assertNotIn(str(BUILD).encode(), binary.read_bytes(), binary)

    def test_the_runner_starts_without_libtorch(self):
        self.assertIn("mvn-runner", run(self.prefix / "bin" / "mvn-runner", "--help", env={}))

    def test_the_manual_and_the_completions_are_installed(self):
        runner = self.prefix / "bin" / "mvn-runner"
        for shell, place in {"bash": "bash-completion/completions/mvn-runner",
                             "zsh": "zsh/site-functions/_mvn-runner",
                             "fish": "fish/vendor_completions.d/mvn-runner.fish"}.items():
            file = self.prefix / "share" / place
            self.assertEqual(file.read_text(), run(runner, "completion", shell, env={}))
            self.assertEqual(file.stat().st_mode & 0o777, 0o644)
        page = (self.prefix / "share" / "man" / "man1" / "mvn-runner.1").read_text()
        date = re.match(r'\.TH MVN\\-RUNNER 1 "(\d{4}-\d\d-\d\d)"', page)
        self.assertTrue(date, page[:80])
        self.assertEqual(page, run(runner, "man", "--date", date[1], env={}))

    def test_the_worker_finds_its_plugins(self):
        described = self.describe()
        files = {component["plugin"]: pathlib.Path(component["file"])
                 for component in described["components"]}
        self.assertEqual(sorted(files), PLUGINS)
        for file in files.values():
            self.assertTrue(file.resolve().is_relative_to(self.prefix.resolve()), file)
        self.assertEqual(described["refused"], [])

    def refused_parquet(self):
        """What is said of a file that begins and ends as Parquet does, and holds nothing."""
        folder = self.scratch_path / "parquet"
        folder.mkdir(exist_ok=True)
        (folder / "train.parquet").write_bytes(b"PAR1" + bytes(40) + b"PAR1")
        (folder / "sweep.yaml").write_text("""
name: parquet
metric: {name: eval/accuracy, goal: maximize}
model: {plugin: gptneo, tokenizer: none.json, config: {vocab_size: 8}}
task: {plugin: classification, train: train.parquet, validation: train.parquet,
       text: text, label: label}
optimizer: {lr: 0.01}
training: {steps: 1}
""")
        done = subprocess.run([self.prefix / "bin" / "mvn-runner", "plan", "sweep.yaml"],
                              env=ONLY_TORCH, cwd=folder, text=True, capture_output=True,
                              check=False)
        self.assertNotEqual(done.returncode, 0)
        return done.stderr

    def test_parquet_takes_arrow_which_is_a_part_of_its_own(self):
        said = self.refused_parquet()
        self.assertIn("train.parquet takes a reader of Parquet and Arrow files, which ", said)
        self.assertIn("docs/building.md", said)
        library = self.prefix / "lib" / "libmvn_arrow.so"
        if not library.exists():
            self.assertIn(f"built without (no {library})", said)
            return
        self.assertIn("cannot be opened: libarrow.so.", said)
        self.assertIn("pyarrow", said)
        run("cmake", "--install", BUILD, "--prefix", self.prefix, "--component", "arrow")
        self.assertIn("train.parquet: is damaged or cut off: ", self.refused_parquet())

    def build_plugin(self, source):
        folder = self.scratch_path / (source.name + "-build")
        run("cmake", "-G", "Ninja", "-S", source, "-B", folder,
            f"-DCMAKE_PREFIX_PATH={self.prefix};{TORCH}")
        run("cmake", "--build", folder)
        return folder

    def test_the_skeleton_of_a_plugin_builds(self):
        run(self.prefix / "bin" / "mvn-runner", "new-plugin", "fresh", env={},
            cwd=self.scratch_path)
        plugin = self.build_plugin(self.scratch_path / "fresh")
        listed = run(self.prefix / "bin" / "mvn-runner", "plugins", "fresh", "--plugin-dir", plugin,
                     env=ONLY_TORCH)
        self.assertIn("fresh", listed)

    def test_a_plugin_is_built_out_of_tree_and_trains(self):
        plugin = self.build_plugin(HERE / "acme")
        described = self.describe("--plugin-dir", plugin)
        [model] = [component for component in described["components"]
                   if component["plugin"] == "acme"]
        self.assertEqual((model["kind"], model["name"], model["version"]),
                         ("model", "mingru", "1.2.3"))

        folder = self.scratch_path / "sweep"
        folder.mkdir()
        write_tiny_data(folder, self.prefix / "share" / "mvn" / "experiments" / "debian_packages.py")
        runner = self.prefix / "bin" / "mvn-runner"
        run(runner, "sweep.yaml", "--plugin-dir", plugin, env=ONLY_TORCH, cwd=folder)
        rows = json.loads(run(runner, "query", "SELECT state FROM trials", "--format", "json",
                              env=ONLY_TORCH, cwd=folder))
        self.assertEqual([row["state"] for row in rows], ["done", "done"])

    def test_another_libtorch_is_refused_before_anything_is_compiled(self):
        other = self.scratch_path / "torch"
        header = other / "include" / "torch" / "csrc" / "api" / "include" / "torch" / "torch.h"
        header.parent.mkdir(parents=True)
        header.touch()
        (header.parent / "version.h").write_text("#define TORCH_VERSION_MAJOR 2\n"
                                                 "#define TORCH_VERSION_MINOR 8\n"
                                                 "#define TORCH_VERSION_PATCH 1\n")
        (other / "lib").mkdir()
        for library in ("libtorch_cpu.so", "libc10.so"):
            (other / "lib" / library).touch()
        with self.assertRaises(AssertionError) as refused:
            run("cmake", "-G", "Ninja", "-S", HERE / "acme", "-B", self.scratch_path / "refused",
                f"-DCMAKE_PREFIX_PATH={self.prefix};{other}")
        message = " ".join(str(refused.exception).split())
        self.assertRegex(message, r"mvn was built with LibTorch \d+\.\d+\.\d+, but "
                                  r"CMAKE_PREFIX_PATH leads to LibTorch 2\.8\.1 in ")


if __name__ == "__main__":
    unittest.main(verbosity=2)
