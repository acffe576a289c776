"""The same trial's steps with transformers and peft: step_peer.py TRIAL.json

As their users run them: AutoModelForSequenceClassification (for Mamba, which has none, the model
and a linear head on the last token), LoRA by peft, AdamW, batches grouped by length and padded to
their longest example.
"""

import csv
import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (GPTNeoConfig, GPTNeoForSequenceClassification, MambaConfig, MambaModel)

from rounds import serve_rounds


class MambaForSequenceClassification(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.config = config
        self.backbone = MambaModel(config)
        self.score = torch.nn.Linear(config.hidden_size, config.num_labels, bias=False)

    def forward(self, input_ids, attention_mask, labels):
        hidden = self.backbone(input_ids, attention_mask=attention_mask, use_cache=False)[0]
        last = attention_mask.sum(1) - 1
        logits = self.score(hidden[torch.arange(len(last)), last]).float()
        return (torch.nn.functional.cross_entropy(logits, labels),)


def read_tokenizer(path):
    path = pathlib.Path(path)
    file = path / "tokenizer.json" if path.is_dir() else path
    if file.exists():
        return Tokenizer.from_file(str(file))
    made = Tokenizer(models.BPE.from_file(str(path / "vocab.json"), str(path / "merges.txt")))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    return made


def read_examples(config):
    """(ids, label) of every example of the training file."""
    task, most = config["task"], config["training"]["max_length"]
    tokenizer = read_tokenizer(config["model"]["tokenizer"])
    with open(task["train"], newline="", encoding="utf-8") as file:
        if task["train"].endswith(".tsv"):
            rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
        else:
            rows = list(csv.DictReader(file))
    names = sorted({row[task["label"]] for row in rows})
    ids = tokenizer.encode_batch([row[task["text"]] for row in rows])
    return [(e.ids[:most], names.index(r[task["label"]])) for e, r in zip(ids, rows)], len(names)


def group_by_length(examples, size):
    order = sorted(range(len(examples)), key=lambda i: len(examples[i][0]))
    return [[examples[i] for i in order[at:at + size]] for at in range(0, len(order), size)]


def collate(batch):
    longest = max(len(ids) for ids, _ in batch)
    ids = torch.zeros(len(batch), longest, dtype=torch.long)
    mask = torch.zeros(len(batch), longest, dtype=torch.long)
    for row, (tokens, _) in enumerate(batch):
        ids[row, :len(tokens)] = torch.tensor(tokens)
        mask[row, :len(tokens)] = 1
    return ids, mask, torch.tensor([label for _, label in batch])


def make_model(config, classes):
    section, adapter = config["model"], config["adapter"]
    if section["plugin"] == "mamba":
        model = MambaForSequenceClassification(
            MambaConfig(**section["config"], num_labels=classes))
    else:
        model = GPTNeoForSequenceClassification(
            GPTNeoConfig(**section["config"], num_labels=classes, pad_token_id=0))
    if config["training"]["precision"] == "bf16":
        model = model.to(torch.bfloat16)
    lora = LoraConfig(r=adapter["r"], lora_alpha=adapter["lora_alpha"],
                      lora_dropout=adapter["lora_dropout"],
                      target_modules=adapter["target_modules"], modules_to_save=["score"])
    return get_peft_model(model, lora)


def autocast(config, device_type):
    """transformers' scan hands float32 on to a layer of bfloat16, which fails without autocast."""
    needed = config["model"]["plugin"] == "mamba" and config["training"]["precision"] == "bf16"
    return torch.autocast(device_type, torch.bfloat16, enabled=needed)


def main():
    trial = json.loads(pathlib.Path(sys.argv[1]).read_text())
    config = trial["config"]
    device = torch.device(trial["device"])
    torch.set_num_threads(trial["threads"])
    torch.manual_seed(0)
    examples, classes = read_examples(config)
    batches = group_by_length(examples, config["training"]["batch_size"])
    model = make_model(config, classes).to(device).train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4)

    def play():
        tokens = 0
        for batch in batches:
            ids, mask, labels = collate(batch)
            tokens += int(mask.sum())
            with autocast(config, device.type):
                loss = model(input_ids=ids.to(device), attention_mask=mask.to(device),
                             labels=labels.to(device))[0]
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()
        return tokens

    serve_rounds(play)


if __name__ == "__main__":
    main()
