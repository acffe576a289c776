#!/usr/bin/env python3
"""What a reviewer cannot see at a glance, as tests: check.py NAME --source DIR --build DIR

Each check prints one line for every offence and exits 1 where there is one, and 4 (skipped) where
its tool is not installed.
"""
import argparse
import pathlib
import re
import shutil
import subprocess
import sys

SKIPPED = 4
CODE = (".h", ".cc", ".cu", ".cuh")

# Files by folder -> the includes they may not have. The first folder that matches counts.
# Five headers of the SDK belong to the corridor: they are free of LibTorch.
TORCH = r"torch/|ATen/|c10/"
SDK_WITH_TORCH = r"mvn/(?!(cpu_isa|error|nearest|params|value)\.h)"
DEPENDENCIES = (
    ("framework/include/mvn/", r"(?!mvn/|torch/|[a-z_0-9]+$).*"),
    ("framework/common/", rf"orchestrate/|train/|{TORCH}|{SDK_WITH_TORCH}|yaml-cpp/|sqlite|SQLite"
                          r"|boost/|spdlog/|CLI/"),
    ("framework/orchestrate/", rf"train/|{TORCH}|{SDK_WITH_TORCH}|boost/(?!math/)|CLI/"),
    ("framework/runner/", rf"train/|{TORCH}|{SDK_WITH_TORCH}|boost/"),
    # Libraries are opened in one place.
    ("framework/train/sdk/library.cc", r"orchestrate/|train/(?!sdk/library.h)"),
    # What alone links Arrow, and nothing of the wing beside two headers.
    ("framework/train/data/arrow/",
     rf"orchestrate/|common/|train/(?!data/(arrow/|columnar\.h))|{TORCH}"),
    # What alone is compiled with OpenMP; elsewhere at::parallel_for is a plain loop.
    ("framework/train/sdk/parallel.cc", r"orchestrate/|common/|train/"),
    ("framework/train/", r"orchestrate/|yaml-cpp/|sqlite|SQLite|CLI/|spdlog/|boost/|dlfcn\.h"
                         r"|arrow/|parquet/|ATen/Parallel"),
    ("framework/worker/", r"orchestrate/|yaml-cpp/|sqlite|SQLite|boost/"),
    # mvn/, LibTorch, the standard and intrinsics, and files of the plugin's own folder.
    ("plugins/", rf"ATen/Parallel|(?!mvn/|{TORCH}|cuda|[A-Za-z_0-9.]+$).*"),
)
# The rooms of the runner's wing -> the rooms whose headers they may include.
ROOMS = {
    "process": set(),
    "search": set(),
    "hub": set(),
    "sweep": {"search", "hub"},
    "store": {"search", "sweep"},
    "answers": {"search", "sweep", "store"},
    "slurm": {"process", "search", "sweep", "store", "workers"},
    "exports": {"process", "search", "sweep", "store"},
    "workers": {"process", "search", "sweep", "store"},
    "page": {"process", "search", "sweep", "store", "answers", "workers"},
    "run": {"process", "search", "sweep", "store", "workers"},
    "sessions": {"process", "search", "hub", "sweep", "store", "answers", "slurm", "workers", "page",
                 "run"},
}
RAW_TEXT = re.compile(r'R"([^(\s]*)\(.*?\)\1"', re.DOTALL)
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.MULTILINE)


def room_of(path):
    """The room of the runner's wing that a path belongs to, or None."""
    found = re.match(r"(?:framework/)?orchestrate/([^/]+)/", path)
    return found and found[1]


def is_against_the_grain(path, include):
    here, there = room_of(path), room_of(include)
    return bool(here and there) and there != here and there not in ROOMS.get(here, ())


def forbidden_includes(path, text):
    """The includes of the file `path` (relative to the repository) that its folder may not have."""
    for folder, forbidden in DEPENDENCIES:
        if path.startswith(folder):
            # A program that writes source code holds includes that are not its own.
            code = RAW_TEXT.sub('""', text)
            return [name for name in INCLUDE.findall(code)
                    if re.match(forbidden, name) or is_against_the_grain(path, name)]
    return []


def bad_words(text):
    """(line, what) of leftovers: somebody's home, and marks of unfinished work."""
    # Written so that this file does not find itself.
    patterns = {"a path of one machine": r"(?<![\w.])/(?:home|root|Users)/\w",
                "a mark of unfinished work": r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X)\b"}
    offences = []
    for number, line in enumerate(text.splitlines(), 1):
        offences += [(number, what) for what, pattern in patterns.items()
                     if re.search(pattern, line)]
    return offences


def tracked_files(source):
    run = subprocess.run(["git", "-C", source, "ls-files", "-z", "--cached", "--others",
                          "--exclude-standard"], capture_output=True, text=True, check=False)
    if run.returncode != 0:
        skip("this is no git checkout")
    names = [name for name in run.stdout.split("\0") if name and (source / name).is_file()]
    return sorted(set(names))


def texts(source, endings=None):
    for name in tracked_files(source):
        if endings is None or name.endswith(endings):
            try:
                yield name, (source / name).read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue  # a binary fixture


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def tool(*names):
    found = next((path for path in map(shutil.which, names) if path), None)
    return found or skip(f"{names[0]} is not installed; run: scripts/setup --dev")


def output_of(command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


# The checks: each yields its offences

def includes(source, _build):
    for name, text in texts(source, CODE):
        for include in forbidden_includes(name, text):
            yield f"{name}: may not include {include}"


def headers(source, _build):
    for name, text in texts(source, ".h"):
        # A *_body.h is text that several files include, each with definitions of its own.
        if "#pragma once" not in text and not name.endswith("_body.h"):
            yield f"{name}: has no #pragma once"
        if re.search(r"^\s*using namespace", text, re.MULTILINE):
            yield f"{name}: a header may not have `using namespace`"


def words(source, _build):
    for name, text in texts(source):
        for line, what in bad_words(text):
            yield f"{name}:{line}: {what}"


def format(source, _build):  # pylint: disable=redefined-builtin
    program = tool("clang-format-14")
    names = [name for name in tracked_files(source) if name.endswith(CODE)]
    run = subprocess.run([program, "--dry-run", "-Werror", *names], cwd=source,
                         capture_output=True, text=True, check=False)
    unformatted = sorted(set(re.findall(r"^(\S+?):\d+:\d+: error", run.stderr, re.MULTILINE)))
    if run.returncode != 0 and not unformatted:
        yield run.stderr
    for name in unformatted:
        yield f"{name}: not formatted; run: clang-format-14 -i {name}"


def scripts(source, _build):
    program = tool("shellcheck")
    names = [name for name, text in texts(source) if text.startswith("#!/usr/bin/env bash")]
    run = subprocess.run([program, *names], cwd=source, capture_output=True, text=True, check=False)
    if run.returncode != 0:
        yield run.stdout


def documents(source, _build):
    for name, text in texts(source, ".md"):
        folder = (source / name).parent
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            if not (folder / target).exists():
                yield f"{name}: leads to {target}, which does not exist"
    # A sweep that the README shows is one that ships.
    for block in re.findall(r"```yaml\n(.*?)```", (source / "README.md").read_text(), re.DOTALL):
        sweep = re.search(r"^name: (\S+)$", block, re.MULTILINE)
        if sweep:
            file = source / "experiments" / f"{sweep[1]}.yaml"
            if not file.is_file() or file.read_text() != block:
                yield f"README.md: the sweep '{sweep[1]}' differs from experiments/{sweep[1]}.yaml"


def linkage(_source, build):
    needed = output_of(["readelf", "-d", build / "bin" / "mvn-runner"])
    for library in re.findall(r"NEEDED.*\[((?:libtorch|libc10|libmvn|libcu)[^\]]*)\]", needed):
        yield f"mvn-runner links {library}: it must not know LibTorch"


def exports(_source, build):
    plugins = sorted((build / "lib" / "mvn" / "plugins").glob("*.so"))
    if not plugins:
        yield "no plugins were built"
    for plugin in plugins:
        symbols = output_of(["nm", "-D", "--defined-only", "--format=posix", plugin])
        names = [line.split()[0] for line in symbols.splitlines()]
        if names != ["mvn_plugin"]:
            yield f"{plugin.name}: exports {names} where mvn_plugin alone is expected"


CHECKS = {check.__name__: check
          for check in (includes, headers, words, format, scripts, documents, linkage, exports)}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("check", choices=CHECKS)
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--build", type=pathlib.Path, required=True)
    arguments = parser.parse_args()
    offences = list(CHECKS[arguments.check](arguments.source, arguments.build))
    for offence in offences:
        print(offence)
    sys.exit(1 if offences else 0)


if __name__ == "__main__":
    main()
