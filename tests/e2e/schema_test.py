#!/usr/bin/env python3
"""What `mvn-runner schema` says of sweep files: it takes all that ship, and no wrong one.

schema_test.py --source DIR --runner FILE; exits 4 (skipped) without jsonschema and PyYAML.
"""
import argparse
import json
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

try:
    import jsonschema
    import yaml
except ImportError as error:
    print(f"skipped: {error} (Debian: python3-jsonschema, python3-yaml)")
    sys.exit(4)

ARGUMENTS = argparse.ArgumentParser()
ARGUMENTS.add_argument("--source", type=pathlib.Path, required=True)
ARGUMENTS.add_argument("--runner", type=pathlib.Path, required=True)


class Loader(yaml.SafeLoader):
    """YAML 1.2's core schema, as editors read it: 1e-5 is a number, no is a text."""


Loader.yaml_implicit_resolvers = {}
for tag, pattern, first in (
        ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
        ("int", r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+", "-+0123456789"),
        ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
        ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""])):
    Loader.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^(?:{pattern})$"),
                                 list(first))

PLUGINS = """
model: {plugin: mamba, weights: m}
task: {plugin: classification, train: a, validation: b, text: t, label: l}
adapter: {plugin: lora}
"""

# What each line, laid upon PLUGINS, is refused for: the place of the mistake.
BAD = {
    "modle: {plugin: mamba}": "",
    "name: a b": "name",
    "method: girds": "method",
    "metric: {name: eval/loss, goal: minimise}": "metric/goal",
    "metric: {nam: eval/loss}": "metric",
    "model: {plugin: mambo}": "model/plugin",
    "model: {plugin: mamba, wieghts: m}": "model",
    "model: {wieghts: m}": "model",
    "adapter: {plugin: none, r: 4}": "adapter",
    "adapter: {plugin: lora, r: many}": "adapter/r",
    "adapter: {plugin: lora, r: 0}": "adapter/r",
    "training: {precision: fp61}": "training/precision",
    "training: {steps: 1.5}": "training/steps",
    "training: {epochs: 0}": "training/epochs",
    "schedule: {warmup_steps: 3, warmup_ratio: 0.1}": "schedule",
    "early_terminate: {type: hyperband, min_iter: 1, max_iter: 9, s: 2}": "early_terminate",
    "optimizer: 3": "optimizer",
    "parameters: {adapter.r: [4, 8]}": "parameters/adapter.r",
    "parameters: {adapter.r: 4}": "parameters/adapter.r",
    "parameters: {adapter.r: {valeus: [4]}}": "parameters/adapter.r",
    "parameters: {adapter.r: {min: 4}}": "parameters/adapter.r",
    "parameters: {adapter.r: {values: []}}": "parameters/adapter.r/values",
    "parameters: {adapter.r: {values: [4, x]}}": "parameters/adapter.r/values/1",
    "parameters: {adapter.r: {distribution: log_uniform, min: 1, max: 2}}":
        "parameters/adapter.r/distribution",
    "parameters: {adapter.rr: {values: [4]}}": "parameters",
    "parameters: {lr: {values: [4]}}": "parameters",
    "parameters: {adapter: {parameters: {rr: {values: [4]}}}}": "parameters/adapter/parameters",
    "parameters: {adapter: {parameters: {r: {values: [x]}}}}":
        "parameters/adapter/parameters/r/values/0",
    "zip: {adapter.r: [4]}": "zip",
    "zip: [{adapter.r: 4}]": "zip/0/adapter.r",
    "zip: [{adapter.r: [x]}]": "zip/0/adapter.r/0",
    "trials: [{adapter.r: x}]": "trials/0/adapter.r",
    "when: [{if: adapter.r > 3}]": "when/0",
    "when: [{if: adapter.r > 3, parameters: {adapter.rr: {values: [4]}}}]": "when/0/parameters",
    "exclude: 3": "exclude",
    "repeats: {seeds: 3}": "repeats/seeds",
    "repeats: {seed: [3]}": "repeats",
    "resources: {workers: -1}": "resources/workers",
    "retry: {crash: often}": "retry/crash",
    "limits: {time: soon}": "limits/time",
    "prepare: [{command: [make]}]": "prepare/0",
    "run_cap: 0": "run_cap",
    "run_cap: {trails: 3}": "run_cap",
    "early_terminate: {type: ahsa}": "early_terminate/type",
    "stages: {a: {name: x}}": "stages/a",
    "stages: {a: {adapter: {rr: 3}}}": "stages/a/adapter",
    "seed: -1": "seed",
    "worker: {command: [x], cmd: y}": "worker",
    "{worker: {command: [x]}, args: {a: {values: [1]}}}": "args/a",
    "{worker: {command: [x]}, args: {b: {a: {distribution: normal}}}}": "args/b/a",
    "early_terminate: {type: hyperband, min_iter: 2, strict: 1}": "early_terminate/strict",
}

GOOD = {
    "nothing but its plugins": "",
    "a program of one's own": "worker: {command: [python3, train.py]}\nmodel: {anything: 3}\n"
                              "args: {a: [1]}\nparameters: {model.b: {values: [1]}}",
    "a folder for it": "worker: {command: [x], cwd: ..}\nargs: {range: {min: 0, max: 1}}",
    "a stage of one's own program": "stages: {a: {worker: {command: [x]}, model: {anything: 3}}}",
    "keys inside an object": "parameters: {model.config.hidden_size: {values: [1, 2]}}",
    "whole sections": "parameters: {adapter: {values: [{plugin: none}, {plugin: lora, r: 4}]}}",
    "what is taken away": "adapter: null\nparameters: {adapter.r: null}\nresources: {workers: null}\n"
                          "run_cap: null",
    "texts that look otherwise": "task: {plugin: classification, label: 3, text: true}",
    "the length in two ways": "training: {epochs: 1, steps: 10}",
    "a warm-up that is taken away": "schedule: {warmup_steps: null, warmup_ratio: 0.1}",
    "a trial's weights": "model: {plugin: mamba, weights: {stage: a, match: [seed]}}",
}


def load(text):
    return yaml.load(text, Loader)  # Loader is a SafeLoader


def document_examples(document):
    return re.findall(r"```yaml\n(.*?)```", document.read_text(encoding="utf-8"), re.DOTALL)


class Schema(unittest.TestCase):
    source = pathlib.Path()
    runner = pathlib.Path()

    @classmethod
    def setUpClass(cls):
        run = subprocess.run([cls.runner, "schema"], capture_output=True, text=True, check=True)
        cls.text = run.stdout
        schema = json.loads(run.stdout)
        jsonschema.Draft7Validator.check_schema(schema)
        cls.validator = jsonschema.Draft7Validator(schema)

    def mistakes(self, sweep):
        return ["/".join(map(str, error.absolute_path)) + ": " + error.message[:200]
                for error in self.validator.iter_errors(sweep)]

    def test_takes_the_experiments(self):
        sweeps = sorted(path for path in (self.source / "experiments").rglob("*.yaml")
                        if path.parent.name != "recipes")
        self.assertGreater(len(sweeps), 3)
        for sweep in sweeps:
            with self.subTest(sweep.name):
                self.assertEqual(self.mistakes(load(sweep.read_text(encoding="utf-8"))), [])

    def test_takes_the_documents_examples(self):
        examples = document_examples(self.source / "docs" / "sweeps.md")
        self.assertGreater(len(examples), 10)
        for example in examples:
            with self.subTest(example.splitlines()[1]):
                self.assertEqual(self.mistakes(load(example)), [])

    def test_takes_what_is_right(self):
        for what, text in GOOD.items():
            with self.subTest(what):
                self.assertEqual(self.mistakes(load(PLUGINS) | (load(text) or {})), [])

    def test_refuses_what_is_wrong_at_its_place(self):
        for text, place in BAD.items():
            with self.subTest(text):
                mistakes = self.mistakes(load(PLUGINS) | load(text))
                self.assertNotEqual(mistakes, [])
                self.assertEqual({mistake.split(": ")[0] for mistake in mistakes}, {place})

    def test_describes_every_key(self):
        def undescribed(name, schema):
            for key, value in schema.get("properties", {}).items():
                if not value.get("description"):
                    yield f"{name}.{key}"
        root = self.validator.schema
        missing = list(undescribed("sweep", root))
        for name in ("axis", "metric", "resources", "retry", "limits", "search", "repeats", "when",
                     "prepare", "early_terminate", "run_cap", "stage", "optimizer", "schedule",
                     "training"):
            missing += undescribed(name, root["definitions"][name])
        self.assertEqual(missing, [])

    def test_goes_into_a_file(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder) / "sweep.schema.json"
            run = subprocess.run([self.runner, "schema", "--output", file], capture_output=True,
                                 text=True, check=True)
            self.assertEqual(run.stdout, f"wrote {file}\n")
            self.assertEqual(file.read_text(encoding="utf-8"), self.text)


if __name__ == "__main__":
    arguments, rest = ARGUMENTS.parse_known_args()
    Schema.source = arguments.source
    Schema.runner = arguments.runner
    unittest.main(argv=sys.argv[:1] + rest)
