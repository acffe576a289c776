"""What a trial costs on warm places of Slurm's nodes, how often Slurm is asked for that, and how
long a trial is missing when its node dies:

    benchmarks/slurm/measure.py [--trials N] [--deaths N] [--build FOLDER]

A sweep of N trials that do nothing is submitted to the Slurm of two nodes that tests/slurm/lab.py
makes on this machine (as root, with slurm-wlm and munge). A row is a node: the median time from the
start of a trial there to the start of the next one. Then, as often as --deaths says, a node falls
silent under a trial: what counts is the time from when Slurm calls it down to when the trial runs
elsewhere. MVN_BUILD_BENCHMARKS=ON builds what is needed.
"""

import argparse
import pathlib
import sqlite3
import statistics
import subprocess
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/slurm"))

import lab as slurm
import slurm_test

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


def seconds_to_elsewhere(lab, build, name):
    """From when Slurm calls a node down to the start of its trial on the other one."""
    slurm_test.LAB = lab
    slurm_test.ARGUMENTS = argparse.Namespace(runner=build / "bin/mvn-runner",
                                              worker=str(ROOT / "tests/e2e/fake_worker.py"))
    place = slurm_test.Place(name)
    place.write(slurm_test.HOLD, "0.1, 0.2", slurm_test.SlurmTest.TWO_NODES)
    job = place.submit()
    place.wait_for_hold()
    place.wait_for_hold()
    holder = place.holder()
    node = lab.job(holder)["NodeList"]
    with lab.without_node(node, holder, lab.freeze_node):
        place.let_go(1)  # the trial that is on the other one
        slurm.wait_until(lambda: "down" in lab.state_of(node), node + " to be down")
        down = time.time()
        lab.wait_for_state(job, "COMPLETED")
    (started,), = place.rows("SELECT started FROM mvn_attempt WHERE attempt = 2")
    return started / 1000 - down


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=3000)
    parser.add_argument("--deaths", type=int, default=3)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    arguments = parser.parse_args()
    missing = slurm.why_not()
    if missing:
        sys.exit("measure.py: " + missing)
    with slurm.Lab() as lab:
        build = arguments.build.resolve()
        results = submit(lab, build, arguments.trials)
        with sqlite3.connect(results / "results.db") as database:
            rows = database.execute("SELECT device, started FROM mvn_attempt ORDER BY started").fetchall()
        log = (results / "noop/runner.log").read_text()
        losses = [seconds_to_elsewhere(lab, build, f"death{i}") for i in range(arguments.deaths)]
    print("| place | trials | ms from start to start, median |\n|---|---|---|")
    for place in sorted({place for place, _ in rows}):
        starts = [started for each, started in rows if each == place]
        gaps = [b - a for a, b in zip(starts, starts[1:])]
        print(f"| {place} | {len(starts)} | {statistics.median(gaps):.3g} |")
    seconds = (rows[-1][1] - rows[0][1]) / 1000
    calls = ", ".join(f"{log.count(f'running {name} ')} of {name}"
                      for name in ("sbatch", "squeue", "scancel"))
    print(f"\nin {seconds:.1f} s; calls by the runner: {calls}")
    if losses:
        print(f"from a node that Slurm calls down to its trial elsewhere: {max(0.0, *losses):.2f} s at most "
              f"of {len(losses)}")


if __name__ == "__main__":
    main()
