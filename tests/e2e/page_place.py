"""A folder with a sweep that ran, for the tests of its page."""
import os
import pathlib
import re
import subprocess
import tempfile
import urllib.error
import urllib.request

EVIL = "</script><script>document.title='owned'</script><img src=x onerror=alert(1)><b>bold</b>"

# Two models, two data sets, two learning rates, three seeds; one configuration fails.
PROGRAM = """
import json, os, sys
trial = json.load(open(os.environ["MVN_TRIAL"]))
args, seed = trial["config"]["args"], trial["config"]["seed"]
spool = open(os.environ["MVN_SPOOL"], "a", buffering=1)
def record(**fields):
    print(json.dumps(fields), file=spool)
print("training", args)
best = {"mamba": 0.9, "gptneo": 0.8}[args["model"]] + (0.03 if args["data"] == "trec" else 0)
best -= 0.02 if args["lr"] > 0.01 else 0
best += 0.004 * seed * (1 if args["data"] == "trec" else -1)
for step in range(0, 101, 5):
    record(type="metric", step=step, values={
        "eval/accuracy": best * (1 - 0.5 ** (1 + step / 20)), "train/loss": 1 / (1 + step),
        "strange/<b>": "NaN" if step > 50 else step})
    if args["lr"] > 0.01 and args["model"] == "gptneo" and step > 50:
        print("out of memory", args["note"])
        sys.exit(3)
with open(os.path.join(trial["folder"], "predictions.jsonl"), "w") as file:
    for i in range(40):
        label = i % 2
        file.write(json.dumps({"example": i, "label": label,
                               "predicted": label if i % 10 else 1 - label}) + "\\n")
record(type="cost", values={"tokens": 1000 * (1 + seed), "seconds": 2.5})
"""

SWEEP = f"""
name: demo
description: {EVIL}
metric: {{name: eval/accuracy, goal: maximize}}
worker: {{command: [python3, train.py]}}
args: {{note: "{EVIL}"}}
parameters:
  args.model: {{values: [mamba, gptneo]}}
  args.data: {{values: [sst2, trec]}}
  args.lr: {{values: [0.001, 0.1]}}
repeats: {{seeds: [0, 1, 2]}}
"""

# Writes a step for each line that it reads.
LED_PROGRAM = """
import json, os
spool = open(os.environ["MVN_SPOOL"], "a", buffering=1)
for step, line in enumerate(open("orders"), 1):
    record = {"type": "metric", "step": step, "values": {"eval/accuracy": float(line)}}
    print(json.dumps(record), file=spool)
    print(json.dumps({"type": "progress", "step": step, "steps": 99}), file=spool)
"""

LED_SWEEP = """
name: led
metric: {name: eval/accuracy, goal: maximize}
worker: {command: [python3, led.py]}
"""


class Place:
    """The user's folder."""

    def __init__(self, runner, worker):
        self.runner = runner
        self.temporary = tempfile.TemporaryDirectory(prefix="mvn-page-")
        self.folder = pathlib.Path(self.temporary.name)
        self.environment = dict(os.environ, MVN_WORKER=str(worker),
                                XDG_CACHE_HOME=str(self.folder / "cache"))
        self.environment.pop("SSH_CONNECTION", None)
        self.write("train.py", PROGRAM)
        self.write("sweep.yaml", SWEEP)

    def close(self):
        self.temporary.cleanup()

    def write(self, name, text):
        (self.folder / name).write_text(text, encoding="utf-8")

    def start(self, *arguments, **more):
        environment = dict(self.environment, **more)
        return subprocess.Popen([self.runner, *arguments], cwd=self.folder, env=environment,
                                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def run(self, *arguments):
        process = self.start(*arguments)
        out, err = process.communicate()
        return process.returncode, out, err


class Led:
    """A sweep of one trial, which reports what it is told to."""

    def __init__(self, place):
        place.write("led.py", LED_PROGRAM)
        place.write("led.yaml", LED_SWEEP)
        os.mkfifo(place.folder / "orders")
        self.process = place.start("led.yaml")
        self.orders = open(place.folder / "orders", "w", buffering=1, encoding="utf-8")

    def report(self, value):
        self.orders.write(f"{value}\n")

    def end(self):
        self.orders.close()
        self.process.communicate()


class Server:
    """mvn-runner ui, until it is ended."""

    def __init__(self, place, *arguments, **environment):
        self.process = place.start("ui", *arguments, **environment)
        self.first_line = self.process.stdout.readline()
        self.url = re.search(r"http://\S+", self.first_line)[0]
        self.port = int(re.search(r":(\d+)/", self.url)[1])

    def end(self):
        """The exit code, and what it printed after its first line."""
        self.process.terminate()
        out, err = self.process.communicate()
        return self.process.returncode, out + err

    def ask(self, path, method="GET", host=None):
        """Status, headers and text of the answer."""
        request = urllib.request.Request(self.url + path.removeprefix("/"), method=method)
        if host is not None:
            request.add_header("Host", host)
        try:
            with urllib.request.urlopen(request) as answer:
                return answer.status, answer.headers, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read().decode()
