#!/usr/bin/env python3
"""The batch script of docs/clusters.md on a Slurm of two nodes that is made for it (lab.py), with a
worker that trains nothing. What waits for a time limit runs with MVN_SLURM_LONG=1 alone."""

import argparse
import os
import select
import signal
import sqlite3
import sys
import unittest

import lab as slurm

SKIPPED = 4
SWEEP = """
name: demo
metric: {{name: eval/accuracy, goal: maximize}}
model: {{plugin: toy}}
task: {{plugin: play, steps: 6{task}}}
parameters: {{optimizer.lr: {{values: [{values}]}}}}
limits: {{grace: 100s}}
resources: {{workers: 1}}
"""
HOLD = ", hold_at: 3, holding: holding, proceed: proceed"
ARGUMENTS = None


def setUpModule():
    global LAB
    LAB = slurm.Lab()
    LAB.__enter__()


def tearDownModule():
    LAB.__exit__()


def batch_script():
    """As the document shows it."""
    with open(ARGUMENTS.document) as file:
        text = file.read()
    return "#!/bin/bash\n" + text.split("```sh\n#!/bin/bash\n")[1].split("```")[0]


class Place:
    """A user's folder on the shared file system."""

    def __init__(self, name):
        self.folder = f"{LAB.folder}/{name}"
        os.mkdir(self.folder)
        for pipe in ("holding", "proceed"):
            os.mkfifo(f"{self.folder}/{pipe}")
        # Held open at both ends: neither side waits for the other.
        self.holding = os.open(self.folder + "/holding", os.O_RDWR)
        self.proceed = os.open(self.folder + "/proceed", os.O_RDWR)
        self.environment = dict(LAB.environment, MVN_WORKER=ARGUMENTS.worker,
                                XDG_CACHE_HOME=LAB.folder + "/cache",
                                PATH=os.path.dirname(ARGUMENTS.runner) + ":" +
                                LAB.environment["PATH"])

    def __del__(self):
        os.close(self.holding)
        os.close(self.proceed)

    def write(self, task="", values="0.1, 0.2, 0.3"):
        with open(self.folder + "/sweep.yaml", "w") as file:
            file.write(SWEEP.format(task=task, values=values))
        with open(self.folder + "/batch.sh", "w") as file:
            file.write(batch_script())

    def submit(self, *arguments):
        return LAB.sbatch("--chdir=" + self.folder, "--time=10", "--cpus-per-task=1", "--mem=0",
                          *arguments, self.folder + "/batch.sh",
                          environment=self.environment)

    def wait_for_hold(self):
        """Until a trial holds at its third step."""
        line = b""
        while not line.endswith(b"\n"):
            if not select.select([self.holding], [], [], slurm.PATIENCE)[0]:
                raise AssertionError("no trial holds")
            line += os.read(self.holding, 1)
        return line

    def let_go(self, trials):
        os.write(self.proceed, b"x" * trials)

    def log(self, job):
        with open(f"{self.folder}/sweep-{job}.log") as file:
            return file.read()

    def rows(self, sql):
        with sqlite3.connect(f"file:{self.folder}/results/results.db?mode=ro", uri=True) as results:
            return results.execute(sql).fetchall()

    def states(self):
        return [state for state, in self.rows("SELECT state FROM trials ORDER BY params")]

    def steps(self):
        """How often each step of each trial counts."""
        return self.rows("SELECT trial, step, count(*) FROM metrics WHERE name = 'train/loss' "
                         "GROUP BY trial, step")


class SlurmTest(unittest.TestCase):
    def place(self):
        return Place(self.id().split(".")[-1])

    def assert_whole(self, place, trials=3):
        """Nothing lost, nothing doubled."""
        self.assertEqual(place.states(), ["done"] * trials)
        steps = place.steps()
        self.assertEqual(len(steps), trials * 6)
        self.assertEqual({count for _, _, count in steps}, {1})

    def assert_ended(self, place, job, state="COMPLETED"):
        said = LAB.wait_for_state(job, "COMPLETED", "FAILED", "CANCELLED", "TIMEOUT")
        self.assertEqual(said["JobState"], state, place.log(job))

    def test_it_runs_and_names_its_node(self):
        place = self.place()
        place.write()
        job = place.submit()
        self.assert_ended(place, job)
        self.assert_whole(place)

    def test_a_warning_of_the_time_limit_brings_it_back(self):
        place = self.place()
        place.write(HOLD)
        job = place.submit()
        place.wait_for_hold()
        # What --signal=B:HUP@... sends.
        LAB.run("scancel", "--batch", "--signal=HUP", job)
        place.wait_for_hold()  # the requeued job, and the next trial
        place.let_go(3)
        self.assert_ended(place, job)
        self.assert_whole(place)
        self.assertEqual(LAB.job(job)["Restarts"], "1")
        self.assertEqual(place.rows("SELECT attempt, resumed_step FROM mvn_attempt "
                                    "WHERE attempt > 1"), [(2, 3)])

    def test_a_requeue_by_somebody_goes_on(self):
        place = self.place()
        place.write(HOLD)
        job = place.submit()
        place.wait_for_hold()
        LAB.run("scontrol", "requeue", job)
        place.wait_for_hold()
        place.let_go(3)
        self.assert_ended(place, job)
        self.assert_whole(place)

    def test_scancel_checkpoints_and_ends(self):
        place = self.place()
        place.write(HOLD)
        job = place.submit()
        place.wait_for_hold()
        LAB.run("scancel", job)
        self.assert_ended(place, job, "CANCELLED")
        self.assertIn("interrupted", place.states(), place.log(job))
        self.assertEqual(LAB.job(job)["Restarts"], "0")
        place.let_go(3)
        job = place.submit()
        self.assert_ended(place, job)
        self.assert_whole(place)

    def test_a_killed_runner_loses_nothing(self):
        place = self.place()
        place.write(HOLD)
        job = place.submit()
        place.wait_for_hold()
        with open(place.folder + "/results/runner.lock") as lock:
            os.kill(int(lock.read().split()[0]), signal.SIGKILL)
        self.assert_ended(place, job, "FAILED")
        place.let_go(3)
        job = place.submit()
        self.assert_ended(place, job)
        self.assert_whole(place)

    def test_a_killed_worker_is_tried_again(self):
        place = self.place()
        place.write(HOLD)
        job = place.submit()
        worker = int(place.wait_for_hold().split()[1])
        os.kill(worker, signal.SIGKILL)
        place.wait_for_hold()
        place.let_go(3)
        self.assert_ended(place, job)
        self.assert_whole(place)

    def test_it_can_be_asked_on_its_node(self):
        place = self.place()
        place.write(HOLD)
        job = place.submit()
        place.wait_for_hold()
        LAB.run("srun", "--overlap", "--jobid=" + job, "--chdir=" + place.folder, "mvn-runner",
                "drain", environment=place.environment)
        place.let_go(3)
        self.assert_ended(place, job, "FAILED")  # 130: trials are left
        self.assertEqual(place.states().count("done"), 1)
        job = place.submit()
        self.assert_ended(place, job)
        self.assert_whole(place)

    def test_a_more_urgent_job_takes_the_node(self):
        place = self.place()
        place.write(HOLD)
        job = place.submit("--nodelist=n1", "--exclusive")
        place.wait_for_hold()
        LAB.sbatch("-p", "urgent", "--nodelist=n1", "--exclusive", "-t", "1", "-o", "/dev/null",
                   "--wrap", "true")
        place.wait_for_hold()
        place.let_go(3)
        self.assert_ended(place, job)
        self.assert_whole(place)
        self.assertEqual(LAB.job(job)["Restarts"], "1")

    @unittest.skipUnless(os.environ.get("MVN_SLURM_LONG"), "takes minutes; MVN_SLURM_LONG=1")
    def test_a_limit_of_a_minute(self):
        place = self.place()
        place.write(HOLD)
        job = place.submit("--partition=short", "--time=1", "--signal=B:HUP@20")
        place.wait_for_hold()
        place.wait_for_hold()
        place.let_go(3)
        self.assert_ended(place, job)
        self.assert_whole(place)


def main():
    global ARGUMENTS
    parser = argparse.ArgumentParser()
    parser.add_argument("--runner", required=True)
    parser.add_argument("--worker", required=True)
    parser.add_argument("--document", required=True, help="docs/clusters.md")
    ARGUMENTS, others = parser.parse_known_args()
    missing = slurm.why_not()
    if missing:
        print("skipped: " + missing)
        sys.exit(SKIPPED)
    unittest.main(argv=[sys.argv[0], *others], verbosity=2)


if __name__ == "__main__":
    main()
