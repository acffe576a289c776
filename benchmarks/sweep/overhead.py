"""What a sweep's engine takes for itself, beside its peers: see benchmarks/sweep/run.

A sweep of N trials that do nothing runs, and one of a single trial; the difference of their times
over N - 1 is the overhead of a trial. The engines take turns, round by round, each in a fresh
folder; a row has the median of the rounds, the least and the largest, and the ratio to mvn-runner's
persistent workers. All of them store their trials: mvn-runner and Optuna in SQLite.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve()
ROOT = HERE.parents[2]

TASK = """name: noop
metric: {{name: eval/loss, goal: minimize}}
model: {{plugin: noop}}
task: {{plugin: noop}}
parameters: {{task.x: {{min: 1, max: {trials}}}}}
"""
PROGRAM = """name: noop
metric: {{name: eval/loss, goal: minimize}}
worker: {{command: ["true"]}}
parameters: {{args.x: {{min: 1, max: {trials}}}}}
"""


def mvn(sweep, arguments):
    def run(folder, trials):
        file = folder / "sweep.yaml"
        file.write_text(sweep.format(trials=trials))
        environment = dict(os.environ, MVN_WORKER=str(arguments.build / "bin/noop_worker"),
                           XDG_CACHE_HOME=str(folder / "cache"))
        start = time.perf_counter()
        result = subprocess.run([str(arguments.build / "bin/mvn-runner"), str(file)], cwd=folder,
                                env=environment, capture_output=True, text=True)
        seconds = time.perf_counter() - start
        if f"noop: {trials} of {trials} trial" not in result.stdout:
            raise SystemExit(result.stdout + result.stderr)
        return seconds
    return run


def peer(name):
    """A peer runs in a process of its own, which says how long its sweep took."""
    def run(folder, trials):
        command = [sys.executable, str(HERE.with_name("peers.py")), name, str(trials)]
        result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
        if result.returncode != 0:
            raise SystemExit(result.stderr)
        return float(result.stdout.split()[-1])
    return run


def main():
    parser = argparse.ArgumentParser(description="Overhead of a trial, beside Optuna and Ray Tune.")
    parser.add_argument("--trials", type=int, default=1000)
    parser.add_argument("--optuna-trials", type=int, default=300)
    parser.add_argument("--ray-trials", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--only", nargs="+", help="words of the rows to measure")
    arguments = parser.parse_args()
    ours, optuna = arguments.trials, arguments.optuna_trials
    rows = {
        "mvn-runner, persistent workers": (mvn(TASK, arguments), ours),
        "Optuna, SQLite, in its own process": (peer("optuna"), optuna),
        "Ray Tune, reused actors": (peer("ray"), arguments.ray_trials),
        "mvn-runner, a process per trial (`true`)": (mvn(PROGRAM, arguments), ours),
        "Optuna, SQLite, a process per trial (`true`)": (peer("optuna-process"), optuna),
    }
    if arguments.only:
        rows = {name: row for name, row in rows.items() if any(w in name for w in arguments.only)}
    overheads = {name: [] for name in rows}
    # Nothing is deleted before the end: file systems are slow for a while after that.
    with tempfile.TemporaryDirectory(dir=arguments.build) as place:
        def fresh():
            return pathlib.Path(tempfile.mkdtemp(dir=place))
        for _ in range(arguments.rounds):
            for name, (run, trials) in rows.items():
                one = run(fresh(), 1)
                many = run(fresh(), trials)
                overheads[name].append((many - one) / (trials - 1) * 1000)
    first = statistics.median(next(iter(overheads.values())))
    print("| engine | trials | ms a trial (least to most) | ratio |\n|---|---|---|---|")
    for name, values in overheads.items():
        median = statistics.median(values)
        print(f"| {name} | {rows[name][1]} | {median:.3g} ({min(values):.3g} to {max(values):.3g}) "
              f"| {median / first:.3g} |")


if __name__ == "__main__":
    main()
