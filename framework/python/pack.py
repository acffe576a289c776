"""Puts the built programs into the wheel: a hook of the build backend hatchling (pyproject.toml).

Nothing is compiled here where it is compiled already: the tree is what `cmake --install build` lays
out, without symbols. In the wheel it is the folder `native` of the package mvn_runner:

    mvn_runner/native/bin, lib, share/mvn     programs, libraries, plugins, experiments
    mvn_runner/native/include, lib/cmake      what plugins are built against
    bin/mvn-runner, bin/mvn-worker            launchers, where pip puts programs
    share/man, share/bash-completion, ...     where the environment's prefix has them

MVN_BUILD names another build folder than `build`.
"""

import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

# What every system of the wheel's tag has: the tag says which versions of it.
OF_THE_SYSTEM = re.compile(r"lib(stdc\+\+|gcc_s)\.so")
# The worker's way from native/bin to its own libraries, and to those of torch beside the package.
RPATH = "$ORIGIN/../lib:$ORIGIN/../../../torch/lib"
# The way of native/lib/libmvn_arrow.so to the libraries of pyarrow beside the package.
ARROW_RPATH = "$ORIGIN/../../../pyarrow"


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, **options)


def is_elf(path):
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def install(build, tree):
    run("cmake", "--install", build, "--prefix", tree, "--strip", stdout=subprocess.DEVNULL)
    shutil.rmtree(tree / "lib" / "mvn" / "python")  # the package itself


def set_rpath(path, file):
    run("patchelf", "--force-rpath", "--set-rpath", path, file)


def lay_out_libraries(folder):
    """A wheel has no symbolic links: each library once, under the name that others ask for.

    Those of the build's system find each other by the RPATH of what loads them; the audit wants
    each to say where the others are.
    """
    for link in [path for path in folder.iterdir() if path.is_symlink()]:
        target = link.resolve()
        link.unlink()
        target.rename(link)
    for library in folder.iterdir():
        if OF_THE_SYSTEM.match(library.name):
            library.unlink()
        elif library.is_file() and not library.name.startswith("libmvn"):
            set_rpath("$ORIGIN", library)


def add_licences(tree):
    """Of each library of Debian's that comes along, what Debian says of its licence."""
    licences = tree / "share" / "mvn" / "licenses"
    licences.mkdir(parents=True, exist_ok=True)
    for library in (tree / "lib").iterdir():
        for folder in ("/usr/lib/x86_64-linux-gnu", "/lib/x86_64-linux-gnu"):
            file = pathlib.Path(folder, library.name).resolve()
            # Its package knows it by a path of before /lib became /usr/lib.
            names = [str(file), str(file).removeprefix("/usr")]
            owner = subprocess.run(
                ["dpkg-query", "-S", *names], capture_output=True, text=True, check=False
            ).stdout.partition(":")[0]
            text = pathlib.Path("/usr/share/doc", owner or "-", "copyright")
            if text.is_file():
                shutil.copy(text, licences / f"{owner}.txt")


def describe(build, tree):
    """What the worker says of its plugins, for where it has no torch to say it with."""
    told = run(
        build / "bin" / "mvn-worker",
        "describe",
        stdout=subprocess.PIPE,
        env={"CUDA_VISIBLE_DEVICES": ""},
    ).stdout
    description = json.loads(told)
    for component in description["components"]:
        component["file"] = pathlib.Path(component["file"]).name
    description["devices"] = ["cpu"]
    (tree / "lib" / "mvn" / "description.json").write_text(json.dumps(description))


def newest_glibc(tree):
    """The latest version of glibc that a program or library of the tree asks for."""
    versions = set()
    for path in tree.rglob("*"):
        if path.is_file() and is_elf(path):
            # Of a static program it is an error to ask.
            text = subprocess.run(
                ["objdump", "-T", path], capture_output=True, text=True, check=False
            ).stdout
            versions.update(re.findall(r"GLIBC_(2\.\d+)", text))
    return max(versions, key=lambda version: int(version.split(".")[1]))


class PackPrograms(BuildHookInterface):
    def initialize(self, version, build_data):
        if self.target_name != "wheel" or version == "editable":
            return
        if platform.machine() != "x86_64" or sys.platform != "linux":
            self.app.abort(
                f"mvn-runner: no wheel can be made for {platform.machine()} with "
                f"{sys.platform}: build it there, with a LibTorch of your own "
                "(docs/building.md)"
            )
        root = pathlib.Path(self.root)
        build = root / os.environ.get("MVN_BUILD", "build")
        if not (build / "bin" / "mvn-launcher").exists():
            self.compile(root)
        self.scratch = tempfile.TemporaryDirectory(prefix="mvn-wheel.")
        tree = pathlib.Path(self.scratch.name) / "native"
        install(build, tree)
        lay_out_libraries(tree / "lib")
        add_licences(tree)
        describe(build, tree)
        set_rpath(RPATH, tree / "bin" / "mvn-worker")
        if (tree / "lib" / "libmvn_arrow.so").exists():
            set_rpath(ARROW_RPATH, tree / "lib" / "libmvn_arrow.so")
        (tree / "lib" / "mvn" / "glibc-version").write_text(newest_glibc(tree) + "\n")
        launcher = pathlib.Path(self.scratch.name) / "mvn-launcher"
        run("strip", "-o", launcher, build / "bin" / "mvn-launcher")
        self.lay_out(tree, launcher, build_data)

    def finalize(self, version, build_data, artifact_path):
        if hasattr(self, "scratch"):
            self.scratch.cleanup()

    def compile(self, root):
        done = subprocess.run(
            [root / "scripts" / "build", "framework/all", "plugins/all"], check=False
        )
        if done.returncode != 0:
            self.app.abort(
                "mvn-runner: it is not built, and building it failed: scripts/setup of "
                "the source installs what that takes; the wheel needs none of it"
            )

    def lay_out(self, tree, launcher, build_data):
        included = build_data["force_include"]
        for path in tree.iterdir():
            if path.name != "share":
                included[str(path)] = f"mvn_runner/native/{path.name}"
        included[str(tree / "share" / "mvn")] = "mvn_runner/native/share/mvn"
        for path in (tree / "share").iterdir():
            if path.name != "mvn":
                build_data["shared_data"][str(path)] = f"share/{path.name}"
        for name in ("mvn-runner", "mvn-worker"):
            copy = launcher.with_name(name)
            shutil.copy(launcher, copy)
            build_data["shared_scripts"][str(copy)] = name
        build_data["pure_python"] = False
        build_data["tag"] = "py3-none-linux_x86_64"
