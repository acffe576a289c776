"""Trials on a device, from their sweeps to their results: trials.py TREE DEVICE FOLDER

Both models in both precisions, plainly and (on a GPU) with graphs, two at a time; one of each kind
once more, the same to the last bit; one that is stopped and goes on; and what they say of memory
beside what the driver says. What begins with "> " is for the summary.
"""

import json
import os
import pathlib
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time

TREE, DEVICE, FOLDER = pathlib.Path(sys.argv[1]), sys.argv[2], pathlib.Path(sys.argv[3])
RUNNER = str(TREE / "bin/mvn-runner")
ON_GPU = DEVICE != "cpu"
TOKENIZER = pathlib.Path(__file__).resolve().parent / "tests/exactness/trajectory/tokenizer.json"
# On a processor, for a rehearsal, everything is small.
WIDTH, STEPS = (256, 20) if ON_GPU else (32, 3)
MODELS = {
    "mamba": {"vocab_size": 512, "hidden_size": WIDTH, "num_hidden_layers": 2},
    "gptneo": {"vocab_size": 512, "hidden_size": WIDTH, "num_layers": 2, "num_heads": 2,
               "intermediate_size": 4 * WIDTH, "max_position_embeddings": 256, "window_size": 32,
               "attention_types": [[["global", "local"], 1]]},
}
PRECISIONS = ("fp32", "bf16") if ON_GPU else ("fp32",)
failures = []


def expect(holds, what):
    print((">" if holds else "> FAILED:"), what, flush=True)
    if not holds:
        failures.append(what)


def write_data():
    draw = random.Random(0)
    letters = [c for c in json.loads(TOKENIZER.read_text())["model"]["vocab"] if len(c) == 1]
    lines = ["text\tlabel"]
    for i in range(256 if ON_GPU else 48):
        text = "".join(draw.choices([c for c in letters if c.isalpha()], k=draw.randrange(8, 96)))
        lines.append(f"{text}\t{'yes' if text.count('e') % 2 else 'no'}")
    (FOLDER / "train.tsv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def sweep(name, steps, precisions=PRECISIONS, graphs=(False, True), models=("mamba", "gptneo")):
    """Writes a sweep (JSON is YAML) and returns its path."""
    data = str(FOLDER / "train.tsv")
    content = {
        "name": name,
        "metric": {"name": "eval/accuracy", "goal": "maximize"},
        "adapter": {"plugin": "lora", "r": 8, "lora_alpha": 16, "lora_dropout": 0.1},
        "task": {"plugin": "classification", "train": data, "validation": data, "text": "text",
                 "label": "label"},
        "model": {"tokenizer": str(TOKENIZER)},
        "optimizer": {"lr": 1e-3, "max_grad_norm": 1.0},
        "training": {"steps": steps, "batch_size": 16, "log_every": 1, "checkpoint_every": 5},
        "resources": {"device": "cuda" if ON_GPU else "cpu", "workers": 2, "threads": 1,
                      "max_trials_per_gpu": 2},
        "zip": [{"model.plugin": list(models), "model.config": [MODELS[m] for m in models]}],
        "parameters": {"training.precision": {"values": list(precisions)}},
    }
    if ON_GPU:
        content["parameters"]["training.cuda_graphs"] = {"values": list(graphs)}
    path = FOLDER / f"{name}.yaml"
    path.write_text(json.dumps(content))
    return str(path)


def runner(*words, results="results"):
    return [RUNNER, *words, "--results", str(FOLDER / results)]


def run(*words, results="results"):
    done = subprocess.run(runner(*words, results=results), text=True, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False)
    print("$ mvn-runner", *words, "\n" + done.stdout, flush=True)
    return done


def rows(query, results="results"):
    database = sqlite3.connect(f"file:{FOLDER / results / 'results.db'}?mode=ro", uri=True)
    with database:
        return database.execute(query).fetchall()


class DriverMemory(threading.Thread):
    """The most that any one process has had of the GPU while it lives, as the driver says; bytes."""

    def __init__(self):
        super().__init__(daemon=True)
        self.most, self.stop = 0, threading.Event()
        if ON_GPU:
            self.start()

    def run(self):
        while not self.stop.wait(0.3):
            try:
                out = subprocess.run(["nvidia-smi", "--query-compute-apps=used_memory",
                                      "--format=csv,noheader,nounits"], capture_output=True, text=True,
                                     check=True).stdout
            except (OSError, subprocess.CalledProcessError):
                return
            used = [int(line) for line in out.split() if line.isdigit()]
            self.most = max([self.most, *(mib << 20 for mib in used)])


def all_kinds():
    memory = DriverMemory()
    done = run(sweep("kinds", STEPS))
    memory.stop.set()
    wanted = 8 if ON_GPU else 2
    states = rows("SELECT state, count(*) FROM trials GROUP BY state")
    expect(done.returncode == 0 and states == [("done", wanted)], f"trials of every kind: {states}")
    for message, in rows("SELECT DISTINCT message FROM failures"):
        print("> failure:", message)
    if ON_GPU:
        peak, = rows("SELECT max(value) FROM mvn_cost WHERE name = 'peak_device_bytes'")[0]
        print(f"> memory: a trial's own peak {(peak or 0) / 2**20:.0f} MiB, the driver's of a process "
              f"{memory.most / 2**20:.0f} MiB")


def again():
    """One of each kind, trained once more from scratch, compared to the last bit."""
    trials = rows("SELECT id FROM trials WHERE state = 'done'")
    for trial, in trials if ON_GPU else trials[:1]:
        done = run("rerun", str(trial), "--verify")
        last = (done.stdout.strip().splitlines() or ["nothing"])[-1]
        expect(done.returncode == 0, f"rerun --verify {str(trial)[:8]}: {last[:120]}")


def finals(results):
    return rows("SELECT name, step, value FROM metrics WHERE name NOT LIKE '%per_second' AND "
                "name NOT LIKE '%peak_share' ORDER BY name, step", results)


def stop_and_go_on():
    path = sweep("stopped", 10 * STEPS, PRECISIONS[-1:], graphs=[False], models=["mamba"])
    process = subprocess.Popen(runner(path, results="stopped"), stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True)
    # Until it has a checkpoint.
    while process.poll() is None and not list((FOLDER / "stopped").glob("**/checkpoints/step-*")):
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    print("$ mvn-runner", path, "\n" + process.communicate()[0], flush=True)
    states = rows("SELECT state FROM trials", "stopped")
    expect(states != [("done",)], f"stopped in its course: {states}")
    expect(run(path, results="stopped").returncode == 0, "goes on")
    expect(run(path, results="whole").returncode == 0, "the same without a stop")
    expect(finals("stopped") == finals("whole"), "ends with the same numbers, bit for bit")


def main():
    FOLDER.mkdir(parents=True)
    os.chdir(FOLDER)
    write_data()
    for check in (all_kinds, stop_and_go_on, again):
        try:
            check()
        except Exception as error:  # pylint: disable=broad-except
            expect(False, f"{check.__name__}: {error!r}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
