"""A trial in Python: the fine-tuning of small-verdict.yaml by transformers and peft, as a check of ourselves.

    python3 peft_check.py TRIAL.json

The model is the one of args.model that small-verdict's `pretrain` made with the trial's seed, found in
args.results; adapter, head, optimizer, schedule, batches and texts are as `final` has them, the random
numbers are not.
"""
import json
import math
import pathlib
import random
import sqlite3
import sys

import torch
from peft import LoraConfig, get_peft_model
from peft.tuners import tuners_utils
from sklearn.model_selection import train_test_split
from tokenizers import ByteLevelBPETokenizer
from transformers import GPTNeoModel, MambaModel

from baselines import read

MODELS = {"gptneo": (GPTNeoModel, ["q_proj", "k_proj", "v_proj", "out_proj", "c_fc", "c_proj"]),
          "mamba": (MambaModel, ["in_proj", "x_proj", "dt_proj", "out_proj"])}
EPOCHS, BATCH, LENGTH = 3, 16, 128


class Classifier(torch.nn.Module):
    """A head on the last token, as GPTNeoForSequenceClassification has it."""

    def __init__(self, name, folder, classes):
        super().__init__()
        model, targets = MODELS[name]
        # PEFT refuses out_proj of Mamba models; on the CPU it computes them right.
        tuners_utils._check_lora_target_modules_mamba = lambda *_: None
        self.base = get_peft_model(model.from_pretrained(folder), LoraConfig(
            r=16, lora_alpha=32, lora_dropout=0.1, target_modules=targets))
        self.score = torch.nn.Linear(self.base.config.hidden_size, classes, bias=False)
        torch.nn.init.normal_(self.score.weight, std=0.02)

    def forward(self, ids, mask):
        hidden = self.base(input_ids=ids, attention_mask=mask)[0]
        return self.score(hidden[torch.arange(len(ids)), mask.sum(1) - 1])


def pretrained(name, results, seed):
    """The folder of the model that `pretrain` made."""
    results = pathlib.Path(results)
    with sqlite3.connect(f"file:{results}/results.db?mode=ro", uri=True) as database:
        (folder,), = database.execute(
            "SELECT t.folder FROM trials t JOIN params p USING (trial) WHERE t.sweep = 'small-verdict' "
            "AND t.stage = 'pretrain' AND t.seed = ? AND p.name = 'model.plugin' AND p.value = ?",
            (seed, name)).fetchall()
    return results / folder / "model"


def collate(rows):
    longest = max(len(ids) for ids, _ in rows)
    ids = torch.tensor([ids + [0] * (longest - len(ids)) for ids, _ in rows])
    mask = torch.tensor([[1] * len(ids) + [0] * (longest - len(ids)) for ids, _ in rows])
    return ids, mask, torch.tensor([label for _, label in rows])


def rate(step, steps):
    """Warm-up over a tenth, then a cosine down to a tenth."""
    warm_up = steps // 10
    if step < warm_up:
        return (step + 1) / warm_up
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (step - warm_up) / (steps - warm_up)))


def train(model, rows, peak):
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=peak, betas=(0.9, 0.95), weight_decay=0.1)
    steps = EPOCHS * math.ceil(len(rows) / BATCH)
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda step: rate(step, steps))
    model.train()
    for _ in range(EPOCHS):
        random.shuffle(rows)
        for at in range(0, len(rows), BATCH):
            ids, mask, labels = collate(rows[at:at + BATCH])
            loss = torch.nn.functional.cross_entropy(model(ids, mask), labels)
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
            schedule.step()


def accuracy(model, rows):
    model.eval()
    rows = sorted(rows, key=lambda row: len(row[0]))
    right = 0
    with torch.no_grad():
        for at in range(0, len(rows), 64):
            ids, mask, labels = collate(rows[at:at + 64])
            right += (model(ids, mask).argmax(1) == labels).sum().item()
    return right / len(rows)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        trial = json.load(file)
    args, seed = trial["config"]["args"], trial["config"]["seed"]
    torch.set_num_threads(trial["threads"])
    torch.manual_seed(seed)
    random.seed(seed)
    here = pathlib.Path(__file__).resolve().parent / "tokenizer"
    tokenizer = ByteLevelBPETokenizer(str(here / "vocab.json"), str(here / "merges.txt"))
    texts, labels = read(args["train"])
    texts, _, labels, _ = train_test_split(texts, labels, train_size=2000, stratify=labels,
                                           random_state=seed)
    names = sorted(set(labels))

    def rows_of(texts, labels):
        ids = [each.ids[:LENGTH] for each in tokenizer.encode_batch(texts)]
        return [(i, names.index(label)) for i, label in zip(ids, labels) if i]

    model = Classifier(args["model"], pretrained(args["model"], args["results"], seed), len(names))
    train(model, rows_of(texts, labels), args["lr"])
    right = accuracy(model, rows_of(*read(args["test"])))
    with open(trial["spool"], "a", encoding="utf-8") as spool:
        spool.write(json.dumps({"type": "metric", "step": 1, "values": {"test/accuracy": right}}) + "\n")


if __name__ == "__main__":
    main()
