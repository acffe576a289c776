"""What a Python process does up to its first optimizer step: first_step.py TRIAL.json

Imports, the model and its LoRA adapter, the tokenised data, one step. Prints when the first step
began and when it was done, in seconds since 1970. Nothing is imported that is not needed.
"""

import csv
import json
import pathlib
import sys
import time

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoTokenizer, GPTNeoForSequenceClassification


def read_examples(config):
    """Token ids and labels of the training file."""
    task = config["task"]
    with open(task["train"], newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    names = sorted({row[task["label"]] for row in rows})
    tokenizer = AutoTokenizer.from_pretrained(config["model"]["weights"])
    ids = tokenizer([row[task["text"]] for row in rows], truncation=True,
                    max_length=config["training"]["max_length"])["input_ids"]
    return ids, [names.index(row[task["label"]]) for row in rows], len(names)


def make_model(config, classes):
    adapter = config["adapter"]
    model = GPTNeoForSequenceClassification.from_pretrained(
        config["model"]["weights"], num_labels=classes, pad_token_id=0,
        dtype=torch.bfloat16 if config["training"]["precision"] == "bf16" else torch.float32)
    return get_peft_model(model, LoraConfig(
        r=adapter["r"], lora_alpha=adapter["lora_alpha"], lora_dropout=adapter["lora_dropout"],
        target_modules=adapter["target_modules"], modules_to_save=["score"])).train()


def first_batch(ids, labels, size):
    """Texts of about one length, padded to the longest."""
    order = sorted(range(len(ids)), key=lambda i: len(ids[i]))[-size:]
    longest = max(len(ids[i]) for i in order)
    padded = torch.zeros(size, longest, dtype=torch.long)
    mask = torch.zeros(size, longest, dtype=torch.long)
    for row, i in enumerate(order):
        padded[row, :len(ids[i])] = torch.tensor(ids[i])
        mask[row, :len(ids[i])] = 1
    return padded, mask, torch.tensor([labels[i] for i in order])


def main():
    trial = json.loads(pathlib.Path(sys.argv[1]).read_text())
    config = trial["config"]
    torch.set_num_threads(trial["threads"])
    torch.manual_seed(config["seed"])
    ids, labels, classes = read_examples(config)
    model = make_model(config, classes)
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4)
    print(time.time(), flush=True)
    ids, mask, labels = first_batch(ids, labels, config["training"]["batch_size"])
    model(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()
    torch.nn.utils.clip_grad_norm_(trained, 1.0)
    optimizer.step()
    print(time.time(), flush=True)


if __name__ == "__main__":
    main()
