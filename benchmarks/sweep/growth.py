"""What a trial takes of mvn-runner where a sweep has many: see benchmarks/sweep/run.

A sweep of N trials that do nothing runs, for each N: with persistent workers, and with a process
(`true`) per trial. A row has the time from its start to the end of its last trial and the runner's
memory, less those of a sweep of one trial, over N - 1; the memory as it is while trials run (the
median of ten samples a second) and at most, which is while the sweep is planned; and how long the
report takes that follows the last trial.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import tempfile
import threading
import time

from overhead import PROGRAM, ROOT, TASK


def resident(pid, name):
    """VmRSS or VmHWM in KiB."""
    try:
        lines = pathlib.Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith(name)), 0)


class Measured:
    def __init__(self, sweep, trials, build, folder):
        file = folder / "sweep.yaml"
        file.write_text(sweep.format(trials=trials))
        environment = dict(os.environ, MVN_WORKER=str(build / "bin/noop_worker"),
                           XDG_CACHE_HOME=str(folder / "cache"))
        self.samples, self.most = [], 0
        start = time.perf_counter()
        runner = subprocess.Popen([str(build / "bin/mvn-runner"), str(file)], cwd=folder,
                                  env=environment, stdout=subprocess.PIPE, text=True)
        self.over = threading.Event()
        sampler = threading.Thread(target=self.sample, args=(runner.pid,))
        last = f"[{trials}/{trials}] done"
        text = ""
        for line in runner.stdout:
            if line.startswith("started") and not sampler.ident:
                sampler.start()
            if line.startswith(last):
                self.seconds = time.perf_counter() - start
                self.over.set()
            if not line.startswith(("started", "[")):
                text += line
        self.report = time.perf_counter() - start - self.seconds
        if runner.wait() != 0 or f"noop: {trials} of {trials} trial" not in text:
            raise SystemExit(text)
        sampler.join()
        self.memory = statistics.median(self.samples)

    def sample(self, pid):
        while True:
            self.samples.append(resident(pid, "VmRSS"))
            self.most = max(self.most, resident(pid, "VmHWM"))
            if self.over.wait(0.1):
                return


def main():
    parser = argparse.ArgumentParser(description="What a trial takes where there are many.")
    parser.add_argument("--sizes", type=int, nargs="+", default=[1000, 10000, 100000])
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    arguments = parser.parse_args()
    print("| engine | trials | ms a trial | times the first | KiB a trial | at most | report, s |\n"
          "|---|---|---|---|---|---|---|", flush=True)
    for name, sweep in (("a process per trial (`true`)", PROGRAM), ("persistent workers", TASK)):
        first = None
        with tempfile.TemporaryDirectory(dir=arguments.build) as place:
            def measured(trials):
                folder = pathlib.Path(tempfile.mkdtemp(dir=place))
                return Measured(sweep, trials, arguments.build, folder)
            one = measured(1)
            for trials in arguments.sizes:
                many = measured(trials)
                milliseconds = (many.seconds - one.seconds) / (trials - 1) * 1000
                first = first or milliseconds
                memory = (many.memory - one.memory) / (trials - 1)
                most = (many.most - one.most) / (trials - 1)
                print(f"| {name} | {trials} | {milliseconds:.3g} | {milliseconds / first:.2f} "
                      f"| {memory:.2f} | {most:.2f} | {many.report:.2f} |", flush=True)


if __name__ == "__main__":
    main()
