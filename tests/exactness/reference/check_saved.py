"""Opens models that mvn-runner saved with transformers and compares what they compute.

usage: check_saved.py FOLDER...   each holds a saved model and ours.safetensors: `ids`, `mask`, and
`logits` (a language model's of every token, or a classifier's) or `hidden` (a bare model's last
states). Exits 1 where an error is above 1e-5 of the largest value, or a weight was not found.
"""

import json
import pathlib
import sys

import torch
import transformers
from safetensors.torch import load_file

BOUND = 1e-5


def relative_error(actual, expected):
    """The largest difference over the largest value; of what should be all zeros, itself."""
    return (actual - expected).abs().max().item() / (expected.abs().max().item() or 1.0)


def check(folder):
    ours = load_file(folder / "ours.safetensors")
    name = json.loads((folder / "config.json").read_text())["architectures"][0]
    model, info = getattr(transformers, name).from_pretrained(folder, output_loading_info=True)
    model.eval()
    problems = {key: value for key, value in info.items() if value and key != "error_msgs"}
    with torch.no_grad():
        output = model(input_ids=ours["ids"], attention_mask=ours["mask"].long())
    actual, expected = (output.logits, ours["logits"]) if "logits" in ours else (output[0], ours["hidden"])
    if actual.dim() == 3:
        actual, expected = actual[ours["mask"]], expected[ours["mask"]]
    error = relative_error(actual, expected)
    print(f"{name:36} error {error:.2g} bound {BOUND:.2g} {problems or ''}")
    return error <= BOUND and not problems


def main():
    sys.exit(0 if all([check(pathlib.Path(folder)) for folder in sys.argv[1:]]) else 1)


if __name__ == "__main__":
    main()
