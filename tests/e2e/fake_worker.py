#!/usr/bin/env python3
"""A worker that trains nothing: it speaks the worker protocol (describe, check, merge, serve) and does what
the trial's configuration tells it to, so that tests can make every kind of trouble happen on
purpose. Its task `play` has the switches; see SPECS."""

import hashlib
import json
import os
import queue
import signal
import socket
import sys
import threading
import time


def spec(name, kind="text", default=None, required=False, **more):
    return dict(name=name, type=kind, default=default, help=more.pop("help", ""), unit="",
                required=required, choices=[], **more)


SPECS = {
    "model": [spec("weights", "weights"), spec("config", "object"), spec("tokenizer", "path"),
              spec("size", "int", 1)],
    "play": [
        spec("data", "path", help="a file that check insists on"),
        spec("score", "real", 0.5, help="what eval/accuracy ends at"),
        spec("steps", "int", 4),
        spec("log_lines", "int", 0, help="lines written to the log"),
        spec("hold_at", "int", -1, help="after this step, say so on `holding` and wait"),
        spec("holding", "path", help="a FIFO: the id of the trial that holds, and its worker"),
        spec("proceed", "path", help="a FIFO: one byte lets one trial go on"),
        spec("signal", "int", 0, help="at the end, kill the worker with this signal"),
        spec("exit", "int", 0, help="at the end, exit the worker with this code"),
        spec("code", "int", 0, help="at the end, reply with this code"),
        spec("message", "text", "", help="and this message"),
        spec("fail_until", "path", help="fail while this file does not exist"),
        spec("peak", "int", 0, help="bytes of device memory to report"),
        spec("oom_until", "path", help="run out of memory while this file does not exist"),
        spec("fits", "int", -1, help="run out of memory with larger micro-batches than this"),
        spec("memory", "int", 1 << 20, help="the peak memory it reports"),
        spec("disk", "int", 1 << 10, help="the bytes of its model, as it reports them"),
        spec("drift", "path", help="a file that holds a number: it is added to losses after step 2"),
        spec("ignore_stop", "bool", False, help="do not stop on SIGTERM"),
    ],
}


def plugin_file():
    """Where a test puts one that can change."""
    return os.path.abspath("fake.so") if os.path.exists("fake.so") else "/nowhere/fake.so"


def sha256(path):
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def describe():
    def component(kind, name, params):
        return dict(kind=kind, name=name, help="", plugin="fake", version="1.0",
                    file=plugin_file(), params=params)
    sections = {
        "optimizer": [spec("lr", "real", 0.001), spec("name", "text", "adamw")],
        "schedule": [spec("name", "text", "constant", role="course")],
        "training": [spec("steps", "int", role="steps"),
                     spec("batch_size", "int", 32, role="batch"),
                     spec("micro_batch_size", "int", role="micro_batch")],
    }
    gpus = json.loads(os.environ.get("FAKE_GPUS", "{}"))  # name -> bytes
    return dict(sdk="0.1.0", torch="2.11.0", devices=["cpu", *gpus], device_memory=gpus, sections=sections, refused=[],
                components=[component("model", "toy", SPECS["model"]),
                            component("adapter", "none", []),
                            component("task", "play", SPECS["play"])])


def check(configs):
    results = []
    for config in configs:
        errors = []
        data = config["task"].get("data")
        if data and not os.path.exists(data):
            errors.append(dict(key="task.data", message=f"no such file: {data}"))
        weights = config["model"].get("weights")
        if isinstance(weights, str) and not os.path.exists(weights):
            errors.append(dict(key="model.weights", message=f"no such folder: {weights}"))
        results.append(dict(errors=errors, warnings=[]))
    return results


class Stop(Exception):
    pass


class Trial:
    def __init__(self, path):
        with open(path) as file:
            self.file = json.load(file)
        self.task = {p["name"]: p["default"] for p in SPECS["play"]}
        self.task.update(self.file["config"]["task"])
        os.makedirs(self.file["folder"], exist_ok=True)
        self.checkpoints = os.path.join(self.file["folder"], "checkpoints")
        self.spool = open(self.file["spool"], "a")

    def record(self, type, **values):
        record = dict(type=type, time=int(time.time() * 1000), **values)
        self.spool.write(json.dumps(record) + "\n")
        self.spool.flush()

    def environment(self):
        values = {"threads": self.file["threads"]}
        if os.path.exists(plugin_file()):
            values["plugin.fake"] = sha256(plugin_file())
        if self.task["data"]:
            values["data." + self.task["data"]] = sha256(self.task["data"])
        return values

    def drift(self, step):
        if not self.task["drift"] or step <= 2 or not os.path.exists(self.task["drift"]):
            return 0
        with open(self.task["drift"]) as file:
            return float(file.read())

    def hold(self):
        with open(self.task["holding"], "w") as file:
            file.write(f"{self.file['id'][:12]} {os.getpid()}\n")
        with open(self.task["proceed"], "rb", buffering=0) as file:
            file.read(1)

    def train(self):
        os.makedirs(self.checkpoints, exist_ok=True)
        first = max([int(name[5:]) for name in os.listdir(self.checkpoints)], default=0)
        self.record("start", pid=os.getpid(), host=socket.gethostname(), resumed_step=first)
        self.record("environment", values=self.environment())
        weights = self.file["config"]["model"].get("weights")
        if weights and not os.path.isdir(weights):
            return 64, f"model.weights: no such folder: {weights}"
        if self.task["oom_until"] and not os.path.exists(self.task["oom_until"]):
            return 77, "no room"
        if self.task["fits"] >= 0:
            training = self.file["config"].get("training", {})
            batch = training.get("batch_size", 32)
            micro = training.get("micro_batch_size", batch)
            if micro > self.task["fits"]:
                return 77, "too much"
            self.record("metric", step=0, values={"batch/micro": micro, "batch/effective": batch})
        for line in range(self.task["log_lines"]):
            print("log line", line + 1)
        steps = self.task["steps"]
        for step in range(first + 1, steps + 1):
            self.record("metric", step=step, values={
                "train/loss": 1 / step + self.drift(step), "train/time": time.time()})
            self.record("progress", step=step, steps=steps)
            before = os.path.join(self.checkpoints, f"step-{step - 1}")
            if os.path.exists(before):
                os.rmdir(before)
            os.mkdir(os.path.join(self.checkpoints, f"step-{step}"))
            if step == self.task["hold_at"]:
                self.hold()
        return self.finish(steps)

    def finish(self, steps):
        if self.task["signal"]:
            sys.stdout.flush()
            os.kill(os.getpid(), self.task["signal"])
        if self.task["exit"]:
            sys.stdout.flush()
            os._exit(self.task["exit"])
        if self.task["code"]:
            return self.task["code"], self.task["message"]
        if self.task["fail_until"] and not os.path.exists(self.task["fail_until"]):
            return 1, "not yet"
        if self.task["peak"]:
            self.record("cost", values={"peak_device_bytes": self.task["peak"]})
        self.record("metric", step=steps, values={"eval/accuracy": self.task["score"]})
        self.record("cost", values={"peak_host_bytes": self.task["memory"]})
        model = os.path.join(self.file["folder"], "model")
        os.makedirs(model, exist_ok=True)
        with open(os.path.join(model, "model.safetensors"), "w") as file:
            file.write(str(self.drift(steps)))
        self.record("artifact", kind="model", path=model, step=steps, bytes=self.task["disk"])
        return 0, ""

    def run(self):
        def stop(*_):
            if not self.task["ignore_stop"]:
                # Slurm and the runner may both ask.
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                raise Stop
        signal.signal(signal.SIGTERM, stop)
        try:
            code, message = self.train()
        except Stop:
            code, message = 75, ""
        self.record("end", code=code, message=message)
        return code, message


def run(path):
    """One trial, its output in the attempt's log."""
    saved = os.dup(1), os.dup(2)
    log = os.open(os.path.join(os.path.dirname(path), "log.txt"),
                  os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(log, 1)
    os.dup2(log, 2)
    os.close(log)
    try:
        return Trial(path).run()
    finally:
        sys.stdout.flush()
        for number, copy in zip((1, 2), saved):
            os.dup2(copy, number)
            os.close(copy)


def requests():
    """The trials asked for; meanwhile a line that asks for a checkpoint is as a SIGTERM."""
    asked = queue.SimpleQueue()
    running, early = set(), set()

    def read():
        for line in sys.stdin:
            request = json.loads(line)
            if "trial" in request:
                asked.put(request["trial"])
            elif request["checkpoint"] in running:
                os.kill(os.getpid(), signal.SIGTERM)
            else:
                early.add(request["checkpoint"])
        asked.put(None)

    threading.Thread(target=read, daemon=True).start()
    while path := asked.get():
        running.add(path)
        if path in early:
            os.kill(os.getpid(), signal.SIGTERM)
        yield path
        running.clear()


def serve():
    for path in requests():
        code, message = run(path)
        print(json.dumps(dict(trial=path, code=code, message=message)), flush=True)
        if code not in (0, 64, 78, 79):
            sys.exit(code)


def main():
    verb = sys.argv[1]
    if verb == "describe":
        print(json.dumps(describe()))
    elif verb == "check":
        print(json.dumps(check(json.load(sys.stdin))))
    elif verb == "merge":
        if "--dtype" in sys.argv:
            print("mvn-worker: --dtype: is not to this worker's taste", file=sys.stderr)
            sys.exit(64)
        print(" ".join(sys.argv[2:]))
    elif verb == "embed":
        request = json.load(sys.stdin)
        if "pooling" not in request["task"]:
            print("mvn-worker: --pooling: this worker knows none", file=sys.stderr)
            sys.exit(64)
        print(json.dumps(dict(done=0, texts=3, width=4)), flush=True)
        print("warning: " + json.dumps(request, sort_keys=True), file=sys.stderr)
        print(json.dumps(dict(done=3, texts=3, width=4)), flush=True)
    else:
        serve()


if __name__ == "__main__":
    main()
