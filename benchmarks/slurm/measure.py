"""What a trial costs on warm places of Slurm's nodes, and how often Slurm is asked for that:

    benchmarks/slurm/measure.py [--trials N] [--build FOLDER]

A sweep of N trials that do nothing is submitted to the Slurm of two nodes that tests/slurm/lab.py
makes on this machine (as root, with slurm-wlm and munge). A row is a node: the median time from the
start of a trial there to the start of the next one. MVN_BUILD_BENCHMARKS=ON builds what is needed.
"""

import argparse
import pathlib
import sqlite3
import statistics
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/slurm"))

import lab as slurm

SWEEP = """name: noop
metric: {{name: eval/loss, goal: minimize}}
model: {{plugin: noop}}
task: {{plugin: noop}}
parameters: {{task.x: {{min: 1, max: {trials}}}}}
resources: {{workers: 1}}
launch: {{slurm: {{time: 30, nodes: 2, extra: [--exclusive]}}}}
"""


def submit(lab, build, trials):
    folder = pathlib.Path(lab.folder) / "noop"
    folder.mkdir()
    (folder / "sweep.yaml").write_text(SWEEP.format(trials=trials))
    environment = dict(lab.environment, MVN_WORKER=str(build / "bin/noop_worker"),
                       XDG_CACHE_HOME=lab.folder + "/cache")
    done = subprocess.run([build / "bin/mvn-runner", "submit", "sweep.yaml", "--log-level", "debug"],
                          cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    job = done.stdout.split("submitted job ")[1].split(":")[0]
    if lab.wait_for_state(job, "COMPLETED", "FAILED")["JobState"] != "COMPLETED":
        sys.exit((folder / f"results/noop/slurm/job-{job}.log").read_text()[-3000:])
    return folder / "results"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=3000)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    arguments = parser.parse_args()
    missing = slurm.why_not()
    if missing:
        sys.exit("measure.py: " + missing)
    with slurm.Lab() as lab:
        results = submit(lab, arguments.build.resolve(), arguments.trials)
        with sqlite3.connect(results / "results.db") as database:
            rows = database.execute("SELECT device, started FROM mvn_attempt ORDER BY started").fetchall()
        log = (results / "noop/runner.log").read_text()
    print("| place | trials | ms from start to start, median |\n|---|---|---|")
    for place in sorted({place for place, _ in rows}):
        starts = [started for each, started in rows if each == place]
        gaps = [b - a for a, b in zip(starts, starts[1:])]
        print(f"| {place} | {len(starts)} | {statistics.median(gaps):.3g} |")
    seconds = (rows[-1][1] - rows[0][1]) / 1000
    calls = ", ".join(f"{log.count(f'running {name} ')} of {name}"
                      for name in ("sbatch", "squeue", "scancel"))
    print(f"\nin {seconds:.1f} s; calls by the runner: {calls}")


if __name__ == "__main__":
    main()
