"""A folder in which mvn-runner trains tiny embedding models; shared by this folder's tests."""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

SKIPPED = 4
WORDS = "river stone cloud tiger apple night ocean spoon chair green cold seven".split()


def skip(reason):
    print(f"skipped: {reason}")
    sys.exit(SKIPPED)


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--runner", type=pathlib.Path, required=True)
    parser.add_argument("--data", type=pathlib.Path, required=True)
    parser.add_argument("--python", type=pathlib.Path)
    return parser.parse_args()


def with_packages(options, *packages):
    """Goes on in the Python that has them: MVN_PYTHON's, this one or --python's."""
    import importlib.util

    missing = [each for each in packages if importlib.util.find_spec(each) is None]
    if not missing:
        return
    other = os.environ.get("MVN_PYTHON") or options.python
    if other is None or not pathlib.Path(other).exists() or os.environ.get("MVN_SECOND_PYTHON"):
        skip("no " + ", ".join(missing) + "; tests/exactness/setup.sh installs them")
    os.environ["MVN_SECOND_PYTHON"] = "1"
    os.execv(other, [str(other), *sys.argv])


class Workplace:
    def __init__(self, runner):
        self._folder = tempfile.TemporaryDirectory()
        self.path = pathlib.Path(self._folder.name)
        self.runner = runner.resolve()

    def run(self, *arguments):
        done = subprocess.run([self.runner, *arguments], cwd=self.path, text=True,
                              capture_output=True, check=False)
        if done.returncode != 0:
            raise AssertionError(f"mvn-runner {arguments}: {done.returncode}\n{done.stderr}{done.stdout}")
        return done.stdout

    def query(self, sql):
        return json.loads(self.run("query", sql, "--json"))

    def write(self, name, text):
        (self.path / name).write_text(text, encoding="utf-8")

    def write_tokenizer(self, name="tokenizer"):
        """A byte-level BPE of some hundred tokens with an end of text that it never writes itself."""
        import tokenizers

        tokenizer = tokenizers.Tokenizer(tokenizers.models.BPE())
        tokenizer.pre_tokenizer = tokenizers.pre_tokenizers.ByteLevel(add_prefix_space=False)
        tokenizer.decoder = tokenizers.decoders.ByteLevel()
        trainer = tokenizers.trainers.BpeTrainer(
            vocab_size=300, special_tokens=["<|endoftext|>"], show_progress=False,
            initial_alphabet=tokenizers.pre_tokenizers.ByteLevel.alphabet())
        tokenizer.train_from_iterator([" ".join(WORDS)] * 4, trainer)
        folder = self.path / name
        folder.mkdir()
        tokenizer.save(str(folder / "tokenizer.json"))
        config = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "<|endoftext|>"}
        (folder / "tokenizer_config.json").write_text(json.dumps(config), encoding="utf-8")

    def write_pairs(self):
        """48 pairs of texts that share a word, and scored pairs, in files."""
        def text(i, j):
            return " ".join(WORDS[(i * k + j) % len(WORDS)] for k in range(1, 2 + (i + j) % 6))

        rows = ["question,answer"] + [f"{text(i, 0)},{text(i, 1)}" for i in range(48)]
        self.write("pairs.csv", "\n".join(rows) + "\n")
        rows = ["sentence1,sentence2,score"]
        rows += [f"{text(i, 2)},{text(i, 5)},{i % 5}" for i in range(20)]
        self.write("sts.csv", "\n".join(rows) + "\n")
        self.texts = [text(i, i) for i in range(30)] + ["unseen: Wörter ☂ and 123", " ".join(WORDS * 9)]
        self.write("texts.txt", "\n".join(self.texts) + "\n")


GPTNEO = """{hidden_size: 32, num_layers: 2, num_heads: 4, intermediate_size: 64,
                    max_position_embeddings: 64, window_size: 8,
                    attention_types: [[[global, local], 1]]}"""
MAMBA = "{hidden_size: 32, num_hidden_layers: 2}"
MISTRAL = """{hidden_size: 32, num_hidden_layers: 2, num_attention_heads: 4,
                    num_key_value_heads: 2, intermediate_size: 64, max_position_embeddings: 64}"""


def sweep(name, cases, more=""):
    """A sweep of one trial for each (model, config, adapter, pooling, normalize)."""
    # Python's peft refuses an adapter on Mamba's out_proj, transformers ignores one on dt_proj.
    layers = ["[in_proj, x_proj]" if case[0] == "mamba" and case[2] == "lora" else "null"
              for case in cases]
    columns = [*zip(*cases), layers]
    keys = ["model.plugin", "model.config", "adapter.plugin", "task.pooling", "task.normalize",
            "adapter.target_modules"]
    lines = "".join(f"    {key}: [{', '.join(map(str, column))}]\n"
                    for key, column in zip(keys, columns))
    return f"""name: {name}
metric: {{name: eval/sts_spearman, goal: maximize}}
model: {{tokenizer: tokenizer}}
task: {{plugin: embedding, train: pairs.csv, anchor: question, positive: answer,
       query_prompt: "find: {{text}}", validation_sts: sts.csv}}
optimizer: {{lr: 1e-2}}
training: {{epochs: 2, batch_size: 16, micro_batch_size: 8, max_length: 40}}
resources: {{device: cpu, threads: 1}}
zip:
  - {lines.strip()}
{more}"""
