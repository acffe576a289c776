"""Runs cases beside their peers and prints one table: see benchmarks/run.

The two sides of a case are programs that answer each line with a round (rounds.h). They take turns,
after one round each that does not count; a row has the medians per unit of work and their ratio,
in brackets the least and the largest ratio of two rounds that followed each other, and then the
rounds that counted and the time that the row took.
"""

import argparse
import csv
import itertools
import json
import lzma
import math
import os
import pathlib
import random
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
MAMBA_130M = {"vocab_size": 50280, "hidden_size": 768, "num_hidden_layers": 24, "state_size": 16}
GPT_NEO_125M = {"vocab_size": 50257, "hidden_size": 768, "num_layers": 12, "num_heads": 12,
                "intermediate_size": 3072, "max_position_embeddings": 2048, "window_size": 256,
                "attention_types": [[["global", "local"], 6]]}
GPT_NEO_TINY = {**GPT_NEO_125M, "hidden_size": 64, "num_layers": 2, "num_heads": 4,
                "intermediate_size": 256, "attention_types": [[["global", "local"], 1]]}
GPT_NEO_LINEARS = ["q_proj", "k_proj", "v_proj", "out_proj", "c_fc", "c_proj"]


class Absent(Exception):
    """A case needs what is not there."""


def shared_data(name):
    path = pathlib.Path(os.environ.get("MVN_SHARED_DATA", ROOT.parent / "shared/data")) / name
    if not path.exists():
        raise Absent(f"needs {name} below MVN_SHARED_DATA")
    return path


def read_rows(source):
    if source.suffix == ".xz":
        with lzma.open(source, "rt", encoding="utf-8") as file:
            yield from map(json.loads, file)
        return
    tab = {"delimiter": "\t", "quoting": csv.QUOTE_NONE} if source.suffix == ".tsv" else {}
    with open(source, newline="", encoding="utf-8") as file:
        yield from csv.DictReader(file, **tab)


def write_examples(folder, source, text, label, count, every=1):
    """The first `count` of every `every`-th example of a table, as text<TAB>label."""
    rows = itertools.islice(read_rows(source), 0, count * every, every)
    lines = [(" ".join(row[text].split()), row[label]) for row in rows]
    path = folder / "train.tsv"
    path.write_text("text\tlabel\n" + "".join(f"{t}\t{l}\n" for t, l in lines), encoding="utf-8")
    return str(path)


def classification(train):
    return {"plugin": "classification", "train": train, "validation": train,
            "max_validation_examples": 8, "text": "text", "label": "label"}


def lora(targets):
    return {"plugin": "lora", "r": 16, "lora_alpha": 32, "lora_dropout": 0.1,
            "target_modules": targets}


def write_trial(folder, arguments, precision, model, adapter, task, training):
    trial = {"format": 1, "sweep": "benchmark", "stage": "", "id": "0" * 64, "attempt": 1,
             "threads": arguments.threads, "device": arguments.device, "folder": str(folder / "trial"),
             "spool": str(folder / "spool"),
             "config": {
                 "model": model,
                 "adapter": adapter,
                 "task": task,
                 "optimizer": {"name": "adamw", "lr": 1e-4, "max_grad_norm": 1.0},
                 "schedule": {"name": "constant"},
                 "training": {**training, "precision": precision},
                 "seed": 0}}
    path = folder / "trial.json"
    path.write_text(json.dumps(trial))
    return str(path)


def step_case(model, config, targets, tokenizer, data, batch_size, max_length):
    def make(folder, arguments, precision):
        graphs = {"cuda_graphs": True} if arguments.cuda_graphs else {}
        path = write_trial(folder, arguments, precision,
                           {"plugin": model, "config": config, "tokenizer": str(tokenizer())},
                           lora(targets), classification(data(folder)),
                           {"epochs": 1, "batch_size": batch_size, "max_length": max_length,
                            **graphs})
        return ([str(arguments.build / "bin/step_rounds"), path],
                [arguments.python, str(HERE / "step/step_peer.py"), path])
    return make


def stsb_pairs(every):
    with open(shared_data("stsb/test.csv"), newline="", encoding="utf-8") as file:
        return [[" ".join(cell.split()) for cell in row[:2]] for row in csv.reader(file)][::every]


def sentences():
    return [text for pair in stsb_pairs(14) for text in pair]


def documents():
    """Of SciFact, title and abstract."""
    with open(shared_data("scifact/corpus.jsonl"), encoding="utf-8") as file:
        rows = list(map(json.loads, itertools.islice(file, 0, None, 160)))
    return [" ".join(f"{row['title']} {row['text']}".split()) for row in rows]


def embedding_case(model, config, targets, tokenizer, size, texts=None):
    """Vectors of `texts`, `size` at a time; without texts, steps of InfoNCE on pairs of STS-B."""
    def make(folder, arguments, precision):
        if not has_modules(arguments.python, ["sentence_transformers"]):
            raise Absent("needs sentence-transformers")
        trains = texts is None
        file = folder / ("pairs.tsv" if trains else "texts.txt")
        if trains:
            pairs = stsb_pairs(14 if size > 8 else 84)
            file.write_text("anchor\tpositive\n" + "".join(f"{a}\t{b}\n" for a, b in pairs))
            task = {"train": str(file), "anchor": "anchor", "positive": "positive",
                    "validation_sts": str(shared_data("stsb/dev.csv")), "sts_header": False}
        else:
            file.write_text("".join(f"{text}\n" for text in texts()))
            task = {"texts": str(file)}
        path = write_trial(folder, arguments, precision,
                           {"plugin": model, "config": config, "tokenizer": str(tokenizer())},
                           lora(targets) if trains else {"plugin": "none"},
                           {"plugin": "embedding", "pooling": "mean", "temperature": 0.05, **task},
                           {**({"epochs": 1} if trains else {"steps": 0, "save_model": False}),
                            "batch_size": size, "max_length": 128 if trains else 512})
        ours = "step_rounds" if trains else "embed_rounds"
        return ([str(arguments.build / "bin" / ours), path],
                [arguments.python, str(HERE / "embed/embed_peer.py"), path])
    return make


def halves_case(model, config, targets, batch_size):
    """A step in bf16 and, in place of a peer, the same in fp32."""
    def make(folder, arguments, _):
        sides = []
        for precision in ("bf16", "fp32"):
            place = folder / precision
            place.mkdir()
            step = step_case(model, config, targets, made_tokenizer,
                             lambda place: made_texts(place, 32), batch_size, 128)
            sides.append(step(place, arguments, precision)[0])
        return tuple(sides)
    return make


def start_case(config, event):
    """A trial from its submission to where its first step begins, or is done."""
    def make(folder, arguments, precision):
        model = str(folder / "model")
        subprocess.run([arguments.python, HERE / "start/make_model.py", model, json.dumps(config),
                        shared_data("tokenizers/gpt2")], check=True, stderr=subprocess.DEVNULL)
        train = write_examples(folder, shared_data("imdb/train.jsonl.xz"), "text", "label", 1000, every=25)
        path = write_trial(folder, arguments, precision, {"plugin": "gptneo", "weights": model},
                           lora(GPT_NEO_LINEARS), classification(train),
                           {"steps": 1, "batch_size": 8, "max_length": 128, "log_every": 1,
                            "save_model": False})
        rounds = [arguments.python, str(HERE / "start/start_rounds.py"), event, path]
        return rounds + [str(arguments.build / "bin/mvn-worker")], rounds
    return make


def kernel_case(name, *words):
    """Sides that take words alone; a word "{precision}" is filled in."""
    def make(_, arguments, precision):
        given = [str(arguments.threads), *(word.format(precision=precision) for word in words)]
        return ([str(arguments.build / f"bin/{name}_rounds"), *given],
                [arguments.python, str(HERE / f"{name}/{name}_peer.py"), *given])
    return make


def sst2(folder):
    return write_examples(folder, shared_data("sst2/train.tsv"), "sentence", "label", 96)


def banking77(folder):
    return write_examples(folder, shared_data("banking77/test.csv"), "text", "category", 160)


def long_texts(folder):
    return write_examples(folder, shared_data("imdb/train.jsonl.xz"), "text", "label", 8, every=3125)


def made_texts(folder, count=256):
    """Texts of 16 to 127 letters, a token each: where no data set is at hand."""
    draw = random.Random(0)
    lines = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randrange(16, 128)))
             for _ in range(count)]
    path = folder / "train.tsv"
    path.write_text("text\tlabel\n" + "".join(f"{t}\t{i % 2}\n" for i, t in enumerate(lines)))
    return str(path)


def made_tokenizer():
    return ROOT / "tests/exactness/trajectory/tokenizer.json"


def published(name):
    return lambda: shared_data("tokenizers") / name


NEO = ("gptneo", GPT_NEO_125M, GPT_NEO_LINEARS)
NEO_TINY = ("gptneo", GPT_NEO_TINY, GPT_NEO_LINEARS)
MAMBA = ("mamba", MAMBA_130M, ["in_proj", "x_proj"])
# Mistral's layers, few of them and narrow.
MISTRAL = ("mistral", {"vocab_size": 32000, "hidden_size": 768, "num_hidden_layers": 4,
                       "num_attention_heads": 12, "num_key_value_heads": 4,
                       "intermediate_size": 2048},
           ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"])
# What the cases that take no precision compute in.
ONE_PRECISION = {"attention": "fp32", "infonce": "fp32", "start": "fp32",
                 "halves": "bf16"}
CASES = {
    **{f"scan-{what}-{length}": (f"scan, {what}, L {length}",
                                 kernel_case("scan", "{precision}", str(length), what))
       for what in ("forward", "training") for length in (64, 128, 256, 512)},
    **{f"attention-{what}-{length}": (f"attention, {what}, L {length}",
                                      kernel_case("attention", str(length), what))
       for what in ("local", "global") for length in (512, 1024, 2048)},
    "mamba-cpu": ("LoRA step, mamba-130m, B 8, L 128", step_case(*MAMBA, published("gpt-neox-20b"), long_texts, 8, 128)),
    "neo-cpu-sst2": ("LoRA step, gpt-neo-125m, SST-2, B 16", step_case(*NEO, published("gpt2"), sst2, 16, 256)),
    "neo-cpu-banking77": ("LoRA step, gpt-neo-125m, banking77, B 16",
                          step_case(*NEO, published("gpt2"), banking77, 16, 256)),
    **{f"{name}-made": (f"LoRA step, {title}, B 32, 16 to 127 tokens",
                        step_case(*model, made_tokenizer, made_texts, 32, 128))
       for name, title, model in (("mamba", "mamba-130m", MAMBA), ("neo", "gpt-neo-125m", NEO),
                                  ("neo-tiny", "GPT-Neo of 3 million", NEO_TINY))},
    **{f"halves-{name}": (f"LoRA step, {title}, B 16, 16 to 127 tokens; peer: fp32",
                          halves_case(*model, 16))
       for name, title, model in (("mamba", "mamba-130m", MAMBA), ("neo", "gpt-neo-125m", NEO),
                                  ("mistral", "Mistral of 4 layers", MISTRAL))},
    # More pairs a step of transformers' Mamba want more than 20 GB.
    **{f"{what}-{name}": (f"{title}, {model_name}, {size} at a time",
                          embedding_case(*model, published(tokenizer), size, texts))
       for what, title, name, model_name, model, tokenizer, size, texts in (
           ("embed", "sentences", "mamba", "mamba-130m", MAMBA, "gpt-neox-20b", 32, sentences),
           ("embed", "sentences", "neo", "gpt-neo-125m", NEO, "gpt2", 32, sentences),
           ("embed-long", "documents", "mamba", "mamba-130m", MAMBA, "gpt-neox-20b", 8, documents),
           ("embed-long", "documents", "neo", "gpt-neo-125m", NEO, "gpt2", 8, documents),
           ("infonce", "InfoNCE LoRA step", "mamba", "mamba-130m", MAMBA, "gpt-neox-20b", 8, None),
           ("infonce", "InfoNCE LoRA step", "neo", "gpt-neo-125m", NEO, "gpt2", 32, None))},
    **{f"start-{size}-{event}": (f"start of a trial, {title}, {what}", start_case(config, event))
       for size, title, config in (("tiny", "GPT-Neo of 3 million", GPT_NEO_TINY),
                                   ("125m", "gpt-neo-125m", GPT_NEO_125M))
       for event, what in (("begin", "its first step begins"), ("step", "its first step is done"))},
}


class Side:
    def __init__(self, command):
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline().strip() != "ready":
            raise SystemExit(f"{command[0]} did not start")

    def round(self):
        """Seconds per unit of work, and the units."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        seconds, units = map(float, self.process.stdout.readline().split())
        return seconds / units, units

    def close(self):
        self.process.stdin.close()
        self.process.wait()


def measure(ours, peer, rounds, limit=math.inf):
    """Pairs of seconds per unit of work: `rounds`, or fewer where those would end after `limit`
    seconds; where the first takes longer than that, it counts."""
    sides = Side(ours), Side(peer)
    start = time.monotonic()
    first = [side.round() for side in sides]
    a_round = time.monotonic() - start
    counts = [units for _, units in first]
    if counts[0] != counts[1]:
        raise SystemExit(f"the sides do not do the same work: {counts[0]:g} and {counts[1]:g} units")
    pairs = [tuple(seconds for seconds, _ in first)] if a_round > limit else []
    while not pairs or (len(pairs) < rounds and time.monotonic() - start + a_round < limit):
        pairs.append(tuple(side.round()[0] for side in sides))
    for side in sides:
        side.close()
    return pairs


def alone(command, rounds, limit=math.inf):
    """Seconds per unit of work: one round that does not count, and then as in measure()."""
    side = Side(command)
    start = time.monotonic()
    first = side.round()[0]
    a_round = time.monotonic() - start
    seconds = [first] if a_round > limit else []
    while not seconds or (len(seconds) < rounds and time.monotonic() - start + a_round < limit):
        seconds.append(side.round()[0])
    side.close()
    return seconds


def has_modules(python, names):
    find = f"from importlib.util import find_spec; exit(not all(map(find_spec, {names})))"
    return subprocess.run([python, "-c", find], capture_output=True, check=False).returncode == 0


def row_alone(title, precision, seconds, took):
    return (f"| {title} | {precision} | {statistics.median(seconds) * 1e9:.4g} | no peer | | "
            f"{len(seconds)} | {took:.0f} s |")


def row(title, precision, pairs, took):
    ours, peer = (statistics.median(column) * 1e9 for column in zip(*pairs))
    ratios = [b / a for a, b in pairs]
    return (f"| {title} | {precision} | {ours:.4g} | {peer:.4g} | {peer / ours:.3g} "
            f"({min(ratios):.3g} to {max(ratios):.3g}) | {len(pairs)} | {took:.0f} s |")


def main():
    parser = argparse.ArgumentParser(description="Times mvn beside its peers.")
    parser.add_argument("case", nargs="*", help=", ".join(CASES) + "; default: all")
    parser.add_argument("--precision", nargs="+", default=["fp32", "bf16"])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--limit", type=float, default=120,
                        help="seconds after which a row begins no further round; default: 120")
    parser.add_argument("--clock", choices=["wall", "processor"], default="wall",
                        help="processor: the time that the processors gave a side, for one thread "
                             "on a machine that others use")
    parser.add_argument("--device", default="cpu", help="of the steps and the starts: cpu, cuda:0")
    parser.add_argument("--cuda-graphs", action="store_true",
                        help="replay mvn's steps (training.cuda_graphs)")
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build",
                        help="where bin/ has the programs; default: build")
    parser.add_argument("--python", default=sys.executable,
                        help="one that has the peers; without them mvn is timed alone")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.case if name not in CASES]
    if unknown:
        parser.error(f"no case {unknown[0]}; known: " + ", ".join(CASES))
    os.environ["MVN_ROUND_CLOCK"] = arguments.clock
    # What the peers import, which not every machine has.
    with_peer = has_modules(arguments.python, ["torch", "peft", "tokenizers", "transformers"])
    print(f"{arguments.threads} threads, {arguments.clock} clock; nanoseconds per token, of a scan "
          "per token and channel, of a start per trial\n")
    print("| work | precision | mvn | peer | ratio (least to most) | rounds | took |\n"
          "|---|---|---|---|---|---|---|", flush=True)
    for name in arguments.case or CASES:
        title, make = CASES[name]
        one = ONE_PRECISION.get(name.split("-")[0])
        for precision in [one] if one else arguments.precision:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    sides = make(pathlib.Path(folder), arguments, precision)
                    start = time.monotonic()
                    if with_peer or name.startswith("halves"):
                        pairs = measure(*sides, arguments.rounds, arguments.limit)
                        print(row(title, precision, pairs, time.monotonic() - start), flush=True)
                    else:
                        seconds = alone(sides[0], arguments.rounds, arguments.limit)
                        print(row_alone(title, precision, seconds, time.monotonic() - start),
                              flush=True)
                except Absent as absent:
                    print(f"| {title} | {precision} | skipped: {absent} | | | | |", flush=True)


if __name__ == "__main__":
    main()
