"""open_adapters.py FOLDER: opens the adapters that the C++ test saved under FOLDER with PEFT.

Each subfolder is named as the folder beside this file whose adapter it came from; PEFT has to open it
without a missing or unexpected tensor and compute the output that is kept there. Prints a table and
exits 1 where an error is not below the bound.
"""

import pathlib
import sys
import warnings

import torch
from peft import PeftModel
from peft.tuners import tuners_utils
from safetensors.torch import load_file

from make_adapters import CASES, HERE, SIDES, base_model, output_of

BOUND = 1e-5


def relative_error(actual, expected):
    """The largest difference over the largest value; of what should be all zeros, itself."""
    return (actual - expected).abs().max().item() / (expected.abs().max().item() or 1.0)


def errors_of(folder, name):
    expected = load_file(HERE / name / "expected.safetensors")
    # "Found missing adapter keys" is a warning of PEFT's, and an error here.
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*missing adapter keys.*")
        model = PeftModel.from_pretrained(base_model(CASES[name][0]), folder).eval()
    if name.endswith("merged"):
        model = model.merge_and_unload()
    errors = []
    with torch.no_grad():
        for side in SIDES:
            output = output_of(model, expected[f"{side}.ids"], expected[f"{side}.mask"].long())
            errors.append(relative_error(output, expected[f"{side}.output"]))
    return errors


def main():
    # PEFT refuses out_proj of Mamba models; on the CPU it computes them right.
    tuners_utils._check_lora_target_modules_mamba = lambda *_: None
    failed = False
    for folder in sorted(pathlib.Path(sys.argv[1]).iterdir()):
        for error in errors_of(folder, folder.name):
            print(f"| {folder.name:22} | opened in peft | {error:.1e} | {BOUND:.0e} |")
            failed = failed or not error < BOUND  # a NaN is not
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
