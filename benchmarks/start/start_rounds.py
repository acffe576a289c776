"""One side of a start, as rounds.h has it: start_rounds.py begin|step TRIAL.json [WORKER]

A round is one trial, timed from its submission to where its first optimizer step begins, or is
done. With WORKER (mvn-worker) that is a line to a persistent worker that has run one trial of the
same base and data before, and the times are those of the trial's spool, to the millisecond; without,
a fresh Python process (first_step.py). Each trial has a seed, and so an adapter, of its own.
"""

import itertools
import json
import pathlib
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent


def write_trial(template, number):
    folder = pathlib.Path(template["folder"]).parent / f"trial-{number}"
    folder.mkdir()
    trial = {**template, "id": f"{number:064}", "folder": str(folder), "spool": str(folder / "spool"),
             "config": {**template["config"], "seed": number}}
    path = folder / "trial.json"
    path.write_text(json.dumps(trial))
    return path


class WarmWorker:
    def __init__(self, worker):
        self.process = subprocess.Popen([worker, "serve"], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)

    def start(self, template, number, step):
        """Seconds from the submission of a trial to where it has made `step` steps."""
        submitted = time.time()
        path = write_trial(template, number)
        print(json.dumps({"trial": str(path)}), file=self.process.stdin, flush=True)
        answer = json.loads(self.process.stdout.readline())
        if answer["code"] != 0:
            raise SystemExit(answer["message"])
        records = map(json.loads, (path.parent / "spool").read_text().splitlines())
        return next(r["time"] / 1000 for r in records
                    if r["type"] == "progress" and r["step"] == step) - submitted


class FreshProcess:
    @staticmethod
    def start(template, number, step):
        submitted = time.time()
        path = write_trial(template, number)
        with subprocess.Popen([sys.executable, HERE / "first_step.py", path], text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
            times = [float(process.stdout.readline()) for _ in range(step + 1)]
            process.kill()
        return times[step] - submitted


def main():
    event, trial, *worker = sys.argv[1:]
    step = {"begin": 0, "step": 1}[event]
    template = json.loads(pathlib.Path(trial).read_text())
    side = WarmWorker(worker[0]) if worker else FreshProcess()
    numbers = itertools.count(0 if worker else 100_000)
    if worker:
        side.start(template, next(numbers), step)
    print("ready", flush=True)
    for _ in sys.stdin:
        print(side.start(template, next(numbers), step), 1, flush=True)


if __name__ == "__main__":
    main()
