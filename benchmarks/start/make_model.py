"""A GPT-Neo with random weights, as transformers saves one: make_model.py FOLDER CONFIG TOKENIZER

CONFIG is JSON; the tokenizer's files are copied beside the weights, as a released model has them.
"""

import json
import pathlib
import shutil
import sys

import torch
from transformers import GPTNeoConfig, GPTNeoForCausalLM


def main():
    folder, config, tokenizer = sys.argv[1:]
    torch.manual_seed(0)
    GPTNeoForCausalLM(GPTNeoConfig(**json.loads(config))).save_pretrained(folder)
    for file in pathlib.Path(tokenizer).iterdir():
        shutil.copy(file, folder)


if __name__ == "__main__":
    main()
