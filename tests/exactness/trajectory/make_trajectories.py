"""Trains LoRA classifiers with transformers, peft and torch.optim and writes their losses.

Each folder beside this file holds the adapter from which a training starts, as PEFT saves it, and
expected.json: `batches`, the rows of train.tsv in each of the 50 steps, and `losses`, the mean loss of
each step. The base models are those of ../reference, the tokens tokenizer.json's (a letter is a
token). SETTINGS are the same as in trajectory_test.cc; dropout is 0.

Run it with the libraries of ../reference/requirements.txt.
"""

import csv
import hashlib
import json
import math
import pathlib
import random
import shutil

import torch
from peft import LoraConfig, get_peft_model
from peft.tuners import tuners_utils
from tokenizers import Tokenizer
from transformers import GPTNeoForSequenceClassification, MambaModel, MistralForSequenceClassification

HERE = pathlib.Path(__file__).resolve().parent
BASES = HERE.parent / "reference"
LABELS = ["animal", "colour", "number"]
SETTINGS = dict(seed=3, steps=50, batch_size=8, lr=5e-3, warmup_steps=5, weight_decay=0.1, max_grad_norm=1.0)

CASES = {
    "gptneo": dict(target_modules="all-linear", r=4, lora_alpha=8, bias="lora_only"),
    "mamba": dict(target_modules=["in_proj", "x_proj", "out_proj"], r=4, lora_alpha=8, use_rslora=True),
    "mistral": dict(target_modules="all-linear", r=4, lora_alpha=8, use_dora=True),
}

WORDS = {
    "animal": "cat dog horse bee lion ant".split(),
    "colour": "red blue green pink grey white".split(),
    "number": "one two three seven ten nine".split(),
}
FILLERS = "the a some many this that here now".split()


def write_texts():
    """Texts of 1 to 6 words, one or more of which give the label away."""
    draw = random.Random(1)
    rows = []
    for i in range(44):
        label = LABELS[i % 3]
        words = [draw.choice(WORDS[label])] + draw.sample(FILLERS, draw.randint(0, 5))
        draw.shuffle(words)
        rows.append((" ".join(words), label))
    with open(HERE / "train.tsv", "w") as file:
        file.write("text\tlabel\n")
        file.writelines(f"{text}\t{label}\n" for text, label in rows)
    letters = ["<pad>", " "] + [chr(ord("a") + i) for i in range(26)]
    tokenizer = {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": 0, "content": "<pad>", "single_word": False, "lstrip": False,
                          "rstrip": False, "normalized": False, "special": True}],
        "normalizer": None, "pre_tokenizer": None, "post_processor": None, "decoder": None,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False,
                  "vocab": {letter: i for i, letter in enumerate(letters)}, "merges": []},
    }
    (HERE / "tokenizer.json").write_text(json.dumps(tokenizer, indent=1) + "\n")


def read_texts():
    tokenizer = Tokenizer.from_file(str(HERE / "tokenizer.json"))
    with open(HERE / "train.tsv", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [tokenizer.encode(row["text"]).ids for row in rows], [LABELS.index(row["label"]) for row in rows]


class SplitMix:
    """Vigna's splitmix64, which mvn-worker shuffles with."""

    def __init__(self, purpose):
        digest = hashlib.sha256(f"{SETTINGS['seed']}/{purpose}".encode()).hexdigest()
        self.state = int(digest[:16], 16)

    def next(self):
        self.state = (self.state + 0x9E3779B97F4A7C15) % 2**64
        z = self.state
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB % 2**64
        return z ^ (z >> 31)

    def shuffle(self, items):
        for i in range(len(items), 1, -1):
            draw = self.next()
            while draw < 2**64 % i:
                draw = self.next()
            items[i - 1], items[draw % i] = items[draw % i], items[i - 1]


def plan(lengths):
    """The batches that mvn-worker trains on: of similar lengths, in random order."""
    batches = []
    epoch = 0
    while len(batches) < SETTINGS["steps"]:
        stream = SplitMix(f"data/epoch {epoch}")
        order = list(range(len(lengths)))
        stream.shuffle(order)
        order.sort(key=lambda example: lengths[example])
        size = SETTINGS["batch_size"]
        cut = [order[begin : begin + size] for begin in range(0, len(order), size)]
        stream.shuffle(cut)
        batches += cut
        epoch += 1
    return batches[: SETTINGS["steps"]]


def collate(texts, examples):
    ids = torch.zeros(len(examples), max(len(texts[example]) for example in examples), dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for row, example in enumerate(examples):
        ids[row, : len(texts[example])] = torch.tensor(texts[example])
        mask[row, : len(texts[example])] = 1
    return ids, mask


class MambaClassifier(torch.nn.Module):
    """transformers has no Mamba classifier: this is GPTNeoForSequenceClassification's head on one."""

    def __init__(self):
        super().__init__()
        self.backbone = MambaModel.from_pretrained(BASES / "mamba")
        self.config = self.backbone.config
        self.score = torch.nn.Linear(self.config.hidden_size, len(LABELS), bias=False)
        torch.nn.init.normal_(self.score.weight, std=0.02)

    def forward(self, input_ids, attention_mask):
        hidden = self.backbone(input_ids=input_ids, attention_mask=attention_mask)[0]
        return self.score(hidden[torch.arange(len(hidden)), attention_mask.sum(1) - 1])


def base_model(name):
    if name == "mamba":
        return MambaClassifier()
    classes = {"gptneo": GPTNeoForSequenceClassification, "mistral": MistralForSequenceClassification}
    return classes[name].from_pretrained(
        BASES / name, num_labels=len(LABELS), pad_token_id=0, attn_implementation="eager"
    )


def start(name):
    config = LoraConfig(task_type=None if name == "mamba" else "SEQ_CLS", lora_dropout=0.0,
                        modules_to_save=["score"], **CASES[name])
    model = get_peft_model(base_model(name), config)
    model.peft_config["default"].base_model_name_or_path = "base"
    shutil.rmtree(HERE / name, ignore_errors=True)
    model.save_pretrained(HERE / name, save_embedding_layers=False)
    (HERE / name / "README.md").unlink(missing_ok=True)
    path = HERE / name / "adapter_config.json"
    written = json.loads(path.read_text())
    # PEFT writes sets in any order; the kept files shall not change from run to run.
    written = {key: sorted(value) if isinstance(value, list) else value for key, value in written.items()}
    path.write_text(json.dumps(written, indent=2, sort_keys=True) + "\n")
    return model


def rate(step):
    """Linear warm-up, cosine decay to zero; a factor of the peak."""
    warmup = SETTINGS["warmup_steps"]
    if step < warmup:
        return (step + 1) / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (SETTINGS["steps"] - warmup)))


def train(model, texts, labels, batches):
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(
        [
            {"params": [each for each in trained if each.dim() > 1], "weight_decay": SETTINGS["weight_decay"]},
            {"params": [each for each in trained if each.dim() == 1], "weight_decay": 0.0},
        ],
        lr=SETTINGS["lr"],
    )
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    losses = []
    model.train()
    for examples in batches:
        ids, mask = collate(texts, examples)
        output = model(input_ids=ids, attention_mask=mask)
        scores = output if torch.is_tensor(output) else output.logits
        loss = torch.nn.functional.cross_entropy(scores, torch.tensor([labels[each] for each in examples]))
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(trained, SETTINGS["max_grad_norm"])
        optimizer.step()
        schedule.step()
        losses.append(loss.item())
    return losses


def main():
    torch.set_num_threads(1)
    # LoRA on out_proj is right wherever the modules are called as modules, as they are on the CPU.
    tuners_utils._check_lora_target_modules_mamba = lambda *_: None
    write_texts()
    texts, labels = read_texts()
    batches = plan([len(text) for text in texts])
    for seed, name in enumerate(CASES):
        torch.manual_seed(seed)
        losses = train(start(name), texts, labels, batches)
        lines = ",\n  ".join(map(json.dumps, batches))
        (HERE / name / "expected.json").write_text(
            f'{{"batches": [\n  {lines}],\n "losses": {json.dumps(losses)}}}\n'
        )
        print(f"{name}: {losses[0]:.4f} ... {losses[-1]:.4f}")


if __name__ == "__main__":
    main()
