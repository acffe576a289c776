"""The same texts, or steps of InfoNCE, with sentence-transformers: embed_peer.py TRIAL.json

As its users run it: a Transformer module with mean pooling and normalisation. A trial with `texts` is
encode(), in bf16 of a model of that type; one with `train` is MultipleNegativesRankingLoss on LoRA by
peft, with AdamW, in a bare loop.
"""

import csv
import json
import pathlib
import sys
import tempfile

HERE = pathlib.Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
sys.path.insert(0, str(HERE.parent / "step"))

import torch
from peft import LoraConfig, get_peft_model
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.losses import MultipleNegativesRankingLoss
from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
from transformers import GPTNeoConfig, GPTNeoModel, MambaConfig, MambaModel, PreTrainedTokenizerFast

from rounds import serve_rounds
from step_peer import autocast, read_tokenizer

CLASSES = {"gptneo": (GPTNeoConfig, GPTNeoModel), "mamba": (MambaConfig, MambaModel)}


def make_model(config, folder):
    """A sentence-transformers model with random weights."""
    section = config["model"]
    of_config, of_model = CLASSES[section["plugin"]]
    of_model(of_config(**section["config"])).save_pretrained(folder)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=read_tokenizer(section["tokenizer"]))
    tokenizer.pad_token = tokenizer.convert_ids_to_tokens(0)
    tokenizer.model_input_names = ["input_ids", "attention_mask"]
    tokenizer.save_pretrained(folder)
    dtype = "bfloat16" if config["training"]["precision"] == "bf16" else "float32"
    transformer = Transformer(folder, max_seq_length=config["training"]["max_length"],
                              model_kwargs={"dtype": dtype})
    width = section["config"]["hidden_size"]
    return SentenceTransformer(modules=[transformer, Pooling(width, "mean"), Normalize()],
                               device="cpu")


def encode(model, config):
    texts = pathlib.Path(config["task"]["texts"]).read_text(encoding="utf-8").splitlines()

    def play():
        with autocast(config, "cpu"):
            model.encode(texts, batch_size=config["training"]["batch_size"],
                         show_progress_bar=False)
        return tokens

    tokens = sum(int(row.sum()) for row in model.preprocess(texts)["attention_mask"])
    return play


def train(model, config):
    with open(config["task"]["train"], newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    size = config["training"]["batch_size"]
    batches = [rows[at:at + size] for at in range(0, len(rows), size)]
    adapter = config["adapter"]
    model[0].auto_model = get_peft_model(model[0].auto_model, LoraConfig(
        r=adapter["r"], lora_alpha=adapter["lora_alpha"], lora_dropout=adapter["lora_dropout"],
        target_modules=adapter["target_modules"]))
    model.train()
    trained = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trained, lr=1e-4)
    loss_of = MultipleNegativesRankingLoss(model, scale=1 / config["task"]["temperature"])

    def play():
        tokens = 0
        for batch in batches:
            sides = [model.preprocess([row[side] for row in batch]) for side in ("anchor", "positive")]
            tokens += sum(int(side["attention_mask"].sum()) for side in sides)
            loss = loss_of(sides, torch.zeros(0))
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(trained, 1.0)
            optimizer.step()
        return tokens
    return play


def main():
    trial = json.loads(pathlib.Path(sys.argv[1]).read_text())
    torch.set_num_threads(trial["threads"])
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as folder:
        model = make_model(trial["config"], folder)
    serve_rounds((encode if "texts" in trial["config"]["task"] else train)(model, trial["config"]))


if __name__ == "__main__":
    main()
