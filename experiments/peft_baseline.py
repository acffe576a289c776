"""A trial in Python: trains LoRA on a causal language model with transformers and peft.

`mvn-runner peft-baseline.yaml` runs this once per trial and passes the path of the trial's
trial.json. A program takes part in a sweep by two things: it reads that file, and it appends records
to the file that trial.json calls `spool`, one JSON object per line.
"""

import json
import sys

import peft
import torch
import transformers

LENGTH = 64  # tokens per example
BATCH = 8


def read_rows(path, tokenizer):
    """The text's tokens in rows of LENGTH: all but the last tenth to train, the rest to evaluate."""
    with open(path, encoding="utf-8") as file:
        tokens = tokenizer(file.read(), return_tensors="pt")["input_ids"][0]
    rows = tokens.unfold(0, LENGTH, LENGTH)
    if len(rows) < 2:
        sys.exit(f"{path}: {len(tokens)} tokens; at least {2 * LENGTH} are needed")
    split = len(rows) - max(1, len(rows) // 10)
    return rows[:split], rows[split:]


def build_model(args, device):
    base = transformers.AutoModelForCausalLM.from_pretrained(args["model"])
    lora = peft.LoraConfig(task_type="CAUSAL_LM", r=args["rank"], lora_alpha=2 * args["rank"])
    return peft.get_peft_model(base, lora).to(device)


def evaluate(model, rows):
    """The mean loss over `rows`."""
    model.eval()
    with torch.no_grad():
        losses = [model(row[None], labels=row[None]).loss.item() for row in rows]
    return sum(losses) / len(losses)


def main():
    with open(sys.argv[1], encoding="utf-8") as file:
        trial = json.load(file)
    args = trial["config"]["args"]  # the sweep file's `args`, with this trial's values
    device = trial["device"]
    spool = open(trial["spool"], "a", encoding="utf-8", buffering=1)

    def record(kind, step, **fields):
        spool.write(json.dumps({"type": kind, "step": step, **fields}) + "\n")

    torch.manual_seed(trial["config"]["seed"])
    tokenizer = transformers.AutoTokenizer.from_pretrained(args["model"])
    train, held_out = (rows.to(device) for rows in read_rows(args["text"], tokenizer))
    model = build_model(args, device)
    trainable = [each for each in model.parameters() if each.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=args["rate"])

    model.train()
    for step in range(1, args["steps"] + 1):
        batch = train[torch.randint(len(train), (BATCH,), device=device)]
        loss = model(batch, labels=batch).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        record("metric", step, values={"train/loss": loss.item()})
        record("progress", step, steps=args["steps"])

    record("metric", args["steps"], values={"eval/loss": evaluate(model, held_out)})
    model.save_pretrained(trial["folder"] + "/model")


if __name__ == "__main__":
    main()
