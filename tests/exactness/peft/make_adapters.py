"""Makes PEFT adapters of tiny models and writes what PEFT computes with them.

Each folder beside this file holds one adapter as PEFT saves it (adapter_config.json and
adapter_model.safetensors) and expected.safetensors: `ids`, `mask`, `labels`, `output` (class scores
or logits), `loss`, and `grad.<name in adapter_model.safetensors>` for every tensor that trains. The
base models are ../reference/gptneo and ../reference/mamba.

`plain` in the name of a PiSSA folder: saved as it is, so that who loads it has to take the same part
out of the base weights again; otherwise PEFT converted it to an ordinary adapter while saving.
`merged`: the output is that of the model with the adapter merged into it, and there are no gradients,
because transformers multiplies by dt_proj's raw weight and passes its adapter by.

Run it with the libraries of ../reference/requirements.txt.
"""

import json
import pathlib
import shutil

import torch
from peft import LoraConfig, get_peft_model
from peft.tuners import tuners_utils
from safetensors.torch import load_file, save_file
from transformers import GPTNeoForCausalLM, GPTNeoForSequenceClassification, MambaForCausalLM

HERE = pathlib.Path(__file__).resolve().parent
BASES = HERE.parent / "reference"
CLASSES = 3

CASES = {
    "gptneo-linear": ("gptneo", dict(target_modules="all-linear", r=4, lora_alpha=8)),
    "gptneo-regex-biases": (
        "gptneo",
        dict(target_modules=r".*\.[02]\..*\.(q_proj|c_fc|out_proj)", r=2, lora_alpha=3, bias="all"),
    ),
    "gptneo-patterns": (
        "gptneo",
        dict(
            target_modules=["q_proj", "v_proj", "c_fc", "c_proj"], r=4, lora_alpha=8, use_rslora=True,
            rank_pattern={"c_proj": 2, r"h\.1\.attn\.attention\.q_proj": 3}, alpha_pattern={"v_proj": 5},
            bias="lora_only",
        ),
    ),
    "gptneo-layers": (
        "gptneo",
        dict(target_modules=["v_proj", "out_proj"], r=3, layers_to_transform=[1, 3], modules_to_save=["ln_f"]),
    ),
    "gptneo-dora": ("gptneo", dict(target_modules=["q_proj", "c_fc"], r=4, lora_alpha=6, use_dora=True)),
    "gptneo-pissa": ("gptneo-lm", dict(target_modules=["k_proj", "c_proj"], r=4, init_lora_weights="pissa")),
    "gptneo-pissa-plain": ("gptneo", dict(target_modules=["k_proj", "c_proj"], r=4, init_lora_weights="pissa")),
    "gptneo-embeddings-lm": ("gptneo-lm", dict(target_modules=["wte", "q_proj"], r=2, lora_alpha=4)),
    "mamba-readable": ("mamba-lm", dict(target_modules=["in_proj", "x_proj"], r=4, lora_alpha=8)),
    "mamba-docs": (
        "mamba-lm",
        dict(target_modules=["x_proj", "embeddings", "in_proj", "out_proj"], r=4, lora_alpha=8),
    ),
    "mamba-dora": (
        "mamba-lm",
        dict(target_modules=["in_proj", "x_proj", "out_proj"], r=2, use_dora=True, bias="lora_only"),
    ),
    "mamba-linear-merged": ("mamba-lm", dict(target_modules="all-linear", r=4, lora_alpha=8)),
}


def base_model(kind):
    if kind == "mamba-lm":
        model = MambaForCausalLM.from_pretrained(BASES / "mamba")
    elif kind == "gptneo-lm":
        model = GPTNeoForCausalLM.from_pretrained(BASES / "gptneo")
    else:
        model = GPTNeoForSequenceClassification.from_pretrained(
            BASES / "gptneo", num_labels=CLASSES, pad_token_id=0
        )
    model.name_or_path = "base"
    model.config._name_or_path = "base"
    return model.eval()


def move_off(model, seed):
    """Away from the start, where B is zero and half of the gradients are."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                noise = torch.randn(parameter.shape, generator=generator)
                parameter.add_(noise * (0.5 / parameter.shape[-1] ** 0.5 if parameter.dim() > 1 else 0.1))


def batch(causal):
    generator = torch.Generator().manual_seed(9)
    lengths = [1, 2, 9, 33]
    ids = torch.zeros(len(lengths), max(lengths), dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        ids[row, :length] = torch.randint(2, 64, (length,), generator=generator)
        mask[row, :length] = 1
    if not causal:
        return ids, mask, torch.arange(len(lengths)) % CLASSES
    labels = torch.full_like(ids, -100)
    labels[:, :-1] = torch.where(mask[:, 1:].bool(), ids[:, 1:], -100)
    return ids, mask, labels


def file_name(parameter_name):
    """The name in adapter_model.safetensors of a parameter of the PEFT model."""
    return (
        parameter_name.replace(".modules_to_save.default", "")
        .replace(".lora_magnitude_vector.default.weight", ".lora_magnitude_vector")
        .replace(".default", "")
    )


def make(folder, kind, options, seed):
    causal = kind.endswith("-lm")
    torch.manual_seed(seed)
    config = LoraConfig(task_type="CAUSAL_LM" if causal else "SEQ_CLS", lora_dropout=0.1, **options)
    model = get_peft_model(base_model(kind), config).eval()
    start = HERE / "start"
    pissa = options.get("init_lora_weights") == "pissa"
    if pissa:
        config.init_lora_weights = True
        model.save_pretrained(start)
        config.init_lora_weights = "pissa"
    move_off(model, seed)
    merged = folder.endswith("merged")
    if merged:
        save(model, folder, start)
        model = model.merge_and_unload()
    ids, mask, labels = batch(causal)
    output = model(input_ids=ids, attention_mask=mask).logits
    loss = torch.nn.functional.cross_entropy(output.flatten(0, -2), labels.flatten())
    kept = {"ids": ids, "mask": mask.bool(), "labels": labels, "output": output, "loss": loss.reshape(1)}
    if not merged:
        loss.backward()
        save(model, folder, start)
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                kept["grad." + file_name(name)] = parameter.grad
    shutil.rmtree(start, ignore_errors=True)
    save_file(
        {name: tensor.detach().clone().contiguous() for name, tensor in kept.items()},
        HERE / folder / "expected.safetensors",
    )
    sort_lists(HERE / folder / "adapter_config.json")


def save(model, folder, start):
    shutil.rmtree(HERE / folder, ignore_errors=True)
    converted = {"path_initial_model_for_weight_conversion": str(start)} if folder == "gptneo-pissa" else {}
    model.save_pretrained(HERE / folder, save_embedding_layers=False, **converted)
    (HERE / folder / "README.md").unlink(missing_ok=True)


def sort_lists(path):
    """PEFT writes sets in any order; the kept files shall not change from run to run."""
    config = json.loads(path.read_text())
    for key, value in config.items():
        if isinstance(value, list):
            config[key] = sorted(value)
    path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")


def main():
    torch.set_num_threads(1)
    # LoRA on out_proj is right wherever the modules are called as modules, as they are on the CPU.
    tuners_utils._check_lora_target_modules_mamba = lambda *_: None
    for seed, (folder, (kind, options)) in enumerate(CASES.items()):
        make(folder, kind, options, seed)


if __name__ == "__main__":
    main()
