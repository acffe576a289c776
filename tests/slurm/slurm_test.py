#!/usr/bin/env python3
"""mvn-runner submit on a Slurm of two nodes that is made for it (lab.py), with a worker that trains
nothing. What needs minutes of waiting for Slurm runs with MVN_SLURM_LONG=1 alone."""

import argparse
import contextlib
import json
import os
import random
import select
import shutil
import signal
import sqlite3
import subprocess
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
launch:
  slurm: {{{launch}}}
"""
HOLD = ", hold_at: 3, holding: holding, proceed: proceed"
ARGUMENTS = None


def setUpModule():
    global LAB
    LAB = slurm.Lab()
    LAB.__enter__()


def tearDownModule():
    LAB.__exit__()


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
                                XDG_CACHE_HOME=LAB.folder + "/cache")

    def __del__(self):
        os.close(self.holding)
        os.close(self.proceed)

    def write(self, task="", values="0.1, 0.2, 0.3", launch="time: 10"):
        with open(self.folder + "/sweep.yaml", "w") as file:
            file.write(SWEEP.format(task=task, values=values, launch=launch))

    def run(self, *arguments, before=()):
        return subprocess.run([*before, ARGUMENTS.runner, *arguments], cwd=self.folder,
                              env=self.environment, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False,
                              timeout=slurm.PATIENCE)

    def submit(self, *arguments):
        done = self.run("submit", "sweep.yaml", *arguments)
        assert done.returncode == 0, done.stdout
        return done.stdout.split("submitted job ")[1].split(":")[0]

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
        with open(f"{self.folder}/results/demo/slurm/job-{job}.log") as file:
            return file.read()

    def limit_disk(self):
        """Gives the results a disk of their own; what takes it away again."""
        results = self.folder + "/results"
        os.mkdir(results)
        LAB.run("mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", results)
        return lambda: LAB.run("umount", "--lazy", results)

    def fill_disk_until(self, holds, what):
        with open(self.folder + "/results/filler", "wb", buffering=0) as filler:
            with contextlib.suppress(OSError):
                while True:
                    filler.write(bytes(1 << 20))
            with contextlib.suppress(OSError):
                while True:
                    filler.write(bytes(1 << 9))
        slurm.wait_until(holds, what)
        os.remove(self.folder + "/results/filler")

    def holder(self):
        """The job that holds the second node."""
        held = LAB.ask("squeue", "-h", "--name=mvn-demo-node", "--state=RUNNING", "-o", "%A")
        assert held, "no second node"
        return held

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

    def test_submit_queues_it_and_leaves_nothing_behind(self):
        place = self.place()
        place.write()
        # In a session of its own, which is gone when it returns.
        done = place.run("submit", "sweep.yaml", "--set", "task.score=0.7", before=["setsid", "-w"])
        self.assertEqual(done.returncode, 0, done.stdout)
        job = done.stdout.split("submitted job ")[1].split(":")[0]
        self.assertIn("3 trials to run", done.stdout)
        self.assert_ended(place, job)
        self.assert_whole(place)
        self.assertEqual(place.rows("SELECT DISTINCT value FROM metrics "
                                    "WHERE name = 'eval/accuracy'"), [(0.7,)])
        where = dict(place.rows("SELECT DISTINCT name, value FROM environments "
                                "WHERE name LIKE 'slurm.%'"))
        self.assertEqual(where["slurm.job"], job)
        self.assertEqual(where["slurm.step"], "batch")
        self.assertIn(where["slurm.node"], ("n1", "n2"))
        again = place.run("submit", "sweep.yaml", "--set", "task.score=0.7")
        self.assertEqual((again.returncode, again.stdout), (0, "nothing to do: 3 trials done\n"))

    def test_what_the_cluster_has_not_is_refused_before_sbatch(self):
        place = self.place()
        for launch, message in (
                ("time: '2:00:00'", "launch.slurm.time: 2:00:00 is more than the cluster gives: "
                                    "main 1 h"),
                ("time: 2, partition: short", "launch.slurm.time: 2 is more than the cluster "
                                              "gives: short 1 min"),
                ("gpus: 3", "launch.slurm.gpus: 3 of a node is more than the cluster gives: "
                            "main 2"),
                ("mem: 5G", "launch.slurm.mem: 5G is more than the cluster gives: main 4000M"),
                ("partition: man", "launch.slurm.partition: the cluster has no partition 'man'; "
                                   "did you mean 'main'?")):
            place.write(launch=launch)
            done = place.run("submit", "sweep.yaml")
            self.assertEqual(done.returncode, 64, done.stdout)
            self.assertIn(message, done.stdout)
            self.assertIn("sweep.yaml:10:", done.stdout)
        self.assertFalse(os.path.exists(place.folder + "/results"))

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
        self.assertIn("goes back into Slurm's queue", place.log(job))
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
        second = place.run("submit", "sweep.yaml")
        self.assertEqual(second.returncode, 1, second.stdout)
        self.assertIn(f"job {job} of demo is RUNNING", second.stdout)
        LAB.run("scancel", job)
        self.assert_ended(place, job, "CANCELLED")
        self.assertEqual(place.states().count("interrupted"), 1, place.log(job))
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

    def test_it_can_be_asked_from_another_node(self):
        place = self.place()
        place.write(HOLD)
        job = place.submit()
        place.wait_for_hold()
        # A host of another name: no signal goes there.
        other = ["unshare", "--uts", "sh", "-c", "hostname elsewhere && exec \"$@\"", "sh"]
        status = place.run("status", "--json", before=other)
        self.assertEqual(json.loads(status.stdout)["jobs"][0]["state"], "RUNNING")
        asked = place.run("drain", before=other)
        self.assertIn("running trials go on to their end", asked.stdout)
        self.assertNotIn("not taken", asked.stdout)
        place.let_go(1)
        self.assert_ended(place, job, "FAILED")  # 130: trials are left
        self.assertEqual(place.states().count("done"), 1)
        place.let_go(2)
        job = place.submit()
        self.assert_ended(place, job)
        self.assert_whole(place)

    def test_a_more_urgent_job_takes_the_node(self):
        place = self.place()
        place.write(HOLD, launch="time: 10, extra: [--nodelist=n1, --exclusive]")
        job = place.submit()
        place.wait_for_hold()
        LAB.sbatch("-p", "urgent", "--nodelist=n1", "--exclusive", "-t", "1", "-o", "/dev/null",
                   "--wrap", "true")
        place.wait_for_hold()
        place.let_go(3)
        self.assert_ended(place, job)
        self.assert_whole(place)
        self.assertEqual(LAB.job(job)["Restarts"], "1")

    TWO_NODES = "nodes: 2, time: 30, extra: [--exclusive]"

    def held_on_two_nodes(self, values="0.1, 0.2, 0.3, 0.4"):
        """A sweep of which a trial holds on each of two nodes: place, job, the holder's job."""
        place = self.place()
        place.write(HOLD, values, self.TWO_NODES)
        job = place.submit()
        place.wait_for_hold()
        place.wait_for_hold()
        return place, job, place.holder()

    def assert_nothing_left(self):
        slurm.wait_until(lambda: not LAB.ask("squeue", "-h"), "an empty queue")

    def test_a_second_node_takes_part(self):
        place, job, holder = self.held_on_two_nodes()
        self.assertIn(" joins: 1 worker (job " + holder + ")", place.log(job))
        place.let_go(4)
        self.assert_ended(place, job)
        self.assert_whole(place, 4)
        where = place.rows("SELECT DISTINCT name, value FROM environments WHERE name IN "
                           "('slurm.node', 'slurm.job')")
        self.assertEqual(sorted(where), [("slurm.job", job), ("slurm.job", holder),
                                         ("slurm.node", "n1"), ("slurm.node", "n2")])
        self.assert_nothing_left()
        # The same as on one machine alone.
        alone = Place(self.id().split(".")[-1] + "-alone")
        alone.write(HOLD, "0.1, 0.2, 0.3, 0.4")
        alone.let_go(4)
        self.assertEqual(alone.run("sweep.yaml").returncode, 0)
        metrics = ("SELECT trial, name, step, value FROM metrics WHERE name <> 'train/time' "
                   "ORDER BY 1, 2, 3")
        self.assertEqual(place.rows(metrics), alone.rows(metrics))

    def test_a_search_that_stops_trials_uses_both_nodes(self):
        place = self.place()
        place.write(HOLD, launch=self.TWO_NODES)
        with open(place.folder + "/sweep.yaml") as file:
            sweep = file.read()
        with open(place.folder + "/sweep.yaml", "w") as file:
            file.write(sweep.replace("parameters: {optimizer.lr: {values: [0.1, 0.2, 0.3]}}",
                                     "parameters: {optimizer.lr: {min: 0.001, max: 1.0}}\n"
                                     "method: bayes\nrun_cap: 24\n"
                                     "early_terminate: {type: asha, min_iter: 2, eta: 2}")
                       .replace("name: eval/accuracy, goal: maximize",
                                "name: train/loss, goal: minimize"))
        job = place.submit()
        place.wait_for_hold()
        place.wait_for_hold()
        self.assertTrue(place.holder())
        place.let_go(24)
        self.assert_ended(place, job)
        states = place.states()
        self.assertEqual(len(states), 24)
        self.assertLessEqual(set(states), {"done", "stopped"})
        self.assertEqual({count for _, _, count in place.steps()}, {1})
        self.assert_nothing_left()

    def test_two_sweeps_side_by_side(self):
        places = [Place(f"{self.id().split('.')[-1]}-{i}") for i in range(2)]
        for place in places:
            place.write(HOLD)
        jobs = [place.submit() for place in places]
        for place in places:
            place.wait_for_hold()
        for place, job in zip(places, jobs):
            place.let_go(3)
            self.assert_ended(place, job)
            self.assert_whole(place)

    def test_a_node_that_is_taken_away_loses_nothing(self):
        place, job, holder = self.held_on_two_nodes()
        LAB.run("scancel", holder)
        place.wait_for_hold()  # the next trial, or the same again, on that node
        place.let_go(4)
        self.assert_ended(place, job)
        self.assert_whole(place, 4)
        self.assert_nothing_left()

    def assert_loses_nothing(self, lose):
        """Of a node that is lost in this way; the sweep's place."""
        place, job, holder = self.held_on_two_nodes()
        with LAB.without_node(LAB.job(holder)["NodeList"], holder, lose):
            place.let_go(4)
            self.assert_ended(place, job)
            self.assert_whole(place, 4)
        self.assert_nothing_left()
        return place

    def test_a_node_that_dies_loses_nothing(self):
        self.assert_loses_nothing(LAB.kill_node)

    @unittest.skipUnless(os.environ.get("MVN_SLURM_LONG"), "takes minutes; MVN_SLURM_LONG=1")
    def test_a_node_that_falls_silent_loses_nothing(self):
        place = self.assert_loses_nothing(LAB.freeze_node)
        self.assertEqual(place.rows("SELECT count(*) FROM mvn_attempt"), [(5,)])

    def test_the_end_of_the_runner_is_the_end_of_its_nodes(self):
        place, job, _ = self.held_on_two_nodes()
        with open(place.folder + "/results/runner.lock") as lock:
            os.kill(int(lock.read().split()[0]), signal.SIGKILL)
        self.assert_ended(place, job, "FAILED")
        self.assert_nothing_left()
        place.let_go(4)
        job = place.submit()
        self.assert_ended(place, job)
        self.assert_whole(place, 4)
        self.assert_nothing_left()

    @unittest.skipUnless(os.environ.get("MVN_SLURM_LONG"), "takes minutes; MVN_SLURM_LONG=1")
    def test_many_faults_lose_nothing(self):
        trials, faults = 200, 50
        place = self.place()
        self.addCleanup(place.limit_disk())
        place.write(HOLD, ", ".join(f"0.{1000 + i}" for i in range(trials)), self.TWO_NODES)
        job = place.submit()
        draw = random.Random(1)
        between = 3  # trials that go on after each fault, and are at their third step again
        worker = int(place.wait_for_hold().split()[1])
        for _ in range(faults):
            fault = draw.choice(("worker", "step", "holder", "node", "requeue", "warning", "disk"))
            holder = LAB.ask("squeue", "-h", "--name=mvn-demo-node", "--state=RUNNING", "-o", "%A")
            if fault in ("holder", "node") and not holder:
                fault = "worker"
            if fault == "worker":
                with contextlib.suppress(ProcessLookupError):
                    os.kill(worker, signal.SIGKILL)
            elif fault == "step" and holder:
                LAB.ask("scancel", "--signal=KILL", holder)
            elif fault == "holder":
                LAB.ask("scancel", holder)
            elif fault == "node":
                node = LAB.job(holder)["NodeList"]
                LAB.kill_node(node, holder)
                LAB.start_node(node)
            elif fault == "requeue":
                LAB.ask("scontrol", "requeue", job)
            elif fault == "warning":
                LAB.ask("scancel", "--batch", "--signal=HUP", job)
            place.let_go(between)
            if fault == "disk":
                place.fill_disk_until(lambda: (not os.path.exists(f"/proc/{worker}")
                                               or select.select([place.holding], [], [], 0)[0]),
                                      "a worker that found the disk full, or did not need it")
            for _ in range(between):
                worker = int(place.wait_for_hold().split()[1])
        place.let_go(2 * trials)
        said = LAB.wait_for_state(job, "COMPLETED", "FAILED")
        while said["JobState"] == "FAILED":  # trials that met too many faults: "submit again"
            job = place.submit()
            said = LAB.wait_for_state(job, "COMPLETED", "FAILED")
        self.assert_whole(place, trials)
        self.assert_nothing_left()
        again = place.rows("SELECT count(*) FROM mvn_attempt WHERE attempt > 1")[0][0]
        self.assertGreater(again, faults // 3)
        print(f"{again} attempts more than trials", file=sys.stderr)

    @unittest.skipUnless(os.environ.get("MVN_SLURM_LONG"), "takes minutes; MVN_SLURM_LONG=1")
    def test_a_limit_of_a_minute(self):
        place = self.place()
        place.write(HOLD, launch="partition: short, time: 1")
        job = place.submit()
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
    ARGUMENTS, others = parser.parse_known_args()
    missing = slurm.why_not()
    if missing is None and shutil.which("unshare") is None:
        missing = "unshare is not installed"
    if missing:
        print("skipped: " + missing)
        sys.exit(SKIPPED)
    unittest.main(argv=[sys.argv[0], *others], verbosity=2)


if __name__ == "__main__":
    main()
