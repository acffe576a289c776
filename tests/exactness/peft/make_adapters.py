"""Makes PEFT adapters of tiny models and writes what PEFT computes with them.

Each folder beside this file holds one adapter as PEFT saves it (adapter_config.json and
adapter_model.safetensors) and expected.safetensors: for a batch padded on the right and one padded on
the left `<side>.ids`, `.mask`, `.labels`, `.output` (class scores, or the logits of the real tokens),
`.output_bf16` (with the base model in bfloat16) and `.loss`; and of the sum of both losses one
`grad.<name in adapter_model.safetensors>` for every tensor that trains. The base models are those of
../reference.

`bin` in a folder's name: saved as adapter_model.bin, as older versions of PEFT do by default.
`plain` in the name of a PiSSA folder: saved as it is, so that who loads it has to take the same part
out of the base weights again; otherwise PEFT converted it to an ordinary adapter while saving.
`features`: an adapter of the bare model (FEATURE_EXTRACTION), whose output is the hidden states of the
real tokens. `vocabulary`: the file brings along the matrices of the vocabulary, which are not the
base's. `parameters`: an archive that holds torch.nn.Parameters instead of tensors.
`merged`: the output is that of the model with the adapter merged into it, and there are no gradients,
because transformers multiplies by dt_proj's raw weight and passes its adapter by.

Run it with the libraries of ../reference/requirements.txt, for all of them or for those it is given.
"""

import json
import pathlib
import shutil
import sys

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from peft.tuners import tuners_utils
from safetensors.torch import load_file, save_file
from transformers import (
    GPTNeoForCausalLM,
    GPTNeoForSequenceClassification,
    MambaForCausalLM,
    MistralForCausalLM,
    MistralForSequenceClassification,
    MistralModel,
)

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
    "gptneo-bin": ("gptneo", dict(target_modules=["q_proj", "v_proj"], r=2, init_lora_weights="gaussian")),
    "mistral-linear": ("mistral", dict(target_modules="all-linear", r=4, lora_alpha=8, use_rslora=True)),
    "mistral-regex-lm": (
        "mistral-lm",
        dict(target_modules=r".*\.1\..*\.(q_proj|down_proj)", r=3, use_dora=True, modules_to_save=["norm"]),
    ),
    # PEFT's conversion leaves a trained head out of the file, so this is a language model too.
    "mistral-pissa": (
        "mistral-lm",
        dict(target_modules=["k_proj", "v_proj", "gate_proj"], r=3, init_lora_weights="pissa", use_rslora=True),
    ),
    # Names and expressions begin at the bare model, and the first pattern that matches counts.
    "mistral-features": (
        "mistral-bare",
        dict(
            target_modules=r"layers\.[01]\..*\.(q_proj|v_proj|up_proj)", r=4, lora_alpha=8,
            exclude_modules=r"layers\.0\.mlp\..*",
            rank_pattern={"^layers.1.self_attn.q_proj": 2, ".*q_proj": 6, "up_proj": 3},
            alpha_pattern={"v_proj": 5, "^layers.1.self_attn.v_proj": 40, "^layers.1.self_attn.q_proj": 64},
        ),
    ),
    "mistral-vocabulary-lm": (
        "mistral-lm", dict(target_modules=["embed_tokens", "lm_head", "q_proj"], r=2, lora_alpha=4),
    ),
    "gptneo-positions-lm": (
        "gptneo-lm", dict(target_modules=["q_proj"], r=2, lora_alpha=4, modules_to_save=["wpe"]),
    ),
    "gptneo-parameters-bin": ("gptneo", dict(target_modules=["q_proj", "v_proj"], r=2, lora_alpha=4)),
}


def base_model(kind, dtype=torch.float32):
    if kind == "mamba-lm":
        model = MambaForCausalLM.from_pretrained(BASES / "mamba", dtype=dtype)
    elif kind == "gptneo-lm":
        model = GPTNeoForCausalLM.from_pretrained(BASES / "gptneo", dtype=dtype)
    elif kind == "mistral-lm":
        model = MistralForCausalLM.from_pretrained(BASES / "mistral", dtype=dtype, attn_implementation="eager")
    elif kind == "mistral-bare":
        model = MistralModel.from_pretrained(BASES / "mistral", dtype=dtype, attn_implementation="eager")
    elif kind == "gptneo":
        model = GPTNeoForSequenceClassification.from_pretrained(
            BASES / "gptneo", num_labels=CLASSES, pad_token_id=0, dtype=dtype
        )
    else:
        model = MistralForSequenceClassification.from_pretrained(
            BASES / "mistral", num_labels=CLASSES, pad_token_id=0, dtype=dtype, attn_implementation="eager"
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


SIDES = {"right": [1, 2, 9, 33], "left": [3, 17]}


def batch(side, kind):
    lengths = SIDES[side]
    generator = torch.Generator().manual_seed(9 if side == "right" else 10)
    longest = max(lengths)
    ids = torch.zeros(len(lengths), longest, dtype=torch.int64)
    mask = torch.zeros_like(ids)
    for row, length in enumerate(lengths):
        where = slice(0, length) if side == "right" else slice(longest - length, longest)
        ids[row, where] = torch.randint(2, 64, (length,), generator=generator)
        mask[row, where] = 1
    if kind.endswith("-bare"):
        return ids, mask, ids[mask.bool()] % 8
    if not kind.endswith("-lm"):
        return ids, mask, torch.arange(len(lengths)) % CLASSES
    labels = torch.full_like(ids, -100)
    both = (mask[:, 1:] * mask[:, :-1]).bool()
    labels[:, :-1] = torch.where(both, ids[:, 1:], -100)
    return ids, mask, labels[mask.bool()]


def output_of(model, ids, mask):
    """Class scores, or the logits or hidden states of the real tokens."""
    output = model(input_ids=ids, attention_mask=mask)
    output = output.logits if hasattr(output, "logits") else output.last_hidden_state
    return output[mask.bool()] if output.dim() == 3 else output


def file_name(parameter_name):
    """The name in adapter_model.safetensors of a parameter of the PEFT model."""
    return (
        parameter_name.replace(".modules_to_save.default", "")
        .replace(".lora_magnitude_vector.default.weight", ".lora_magnitude_vector")
        .replace(".default", "")
    )


def make(folder, kind, options, seed):
    torch.manual_seed(seed)
    task_type = {"lm": "CAUSAL_LM", "bare": "FEATURE_EXTRACTION"}.get(kind.rpartition("-")[2], "SEQ_CLS")
    config = LoraConfig(task_type=task_type, lora_dropout=0.1, **options)
    base = base_model(kind)
    if "vocabulary" in folder:
        change_vocabulary(base, seed)
    model = get_peft_model(base, config).eval()
    start = HERE / "start"
    pissa = options.get("init_lora_weights") == "pissa"
    if pissa:
        config.init_lora_weights = True
        model.save_pretrained(start)
        config.init_lora_weights = "pissa"
    move_off(model, seed)
    merged = folder.endswith("merged")
    if merged:
        save(model, folder, start, options)
        model = model.merge_and_unload()
    kept, total = {}, 0
    for side in SIDES:
        ids, mask, labels = batch(side, kind)
        output = output_of(model, ids, mask)
        loss = torch.nn.functional.cross_entropy(output, labels)
        total = total + loss
        kept |= {
            f"{side}.ids": ids, f"{side}.mask": mask.bool(), f"{side}.labels": labels,
            f"{side}.output": output, f"{side}.loss": loss.reshape(1),
        }
    if not merged:
        total.backward()
        save(model, folder, start, options)
        for name, parameter in model.named_parameters():
            if parameter.requires_grad:
                kept["grad." + file_name(name)] = parameter.grad
        kept |= half_outputs(folder, kind, kept)
    shutil.rmtree(start, ignore_errors=True)
    save_file(
        {name: tensor.detach().clone().contiguous() for name, tensor in kept.items()},
        HERE / folder / "expected.safetensors",
    )


def half_outputs(folder, kind, kept):
    """Of the saved adapter in float32 beside the base in bfloat16, as PEFT opens it there."""
    if folder.endswith("plain"):
        return {}  # bfloat16 weights leave no place for the exact rest
    model = PeftModel.from_pretrained(base_model(kind, torch.bfloat16), HERE / folder).eval()
    with torch.no_grad():
        return {
            f"{side}.output_bf16": output_of(model, kept[f"{side}.ids"], kept[f"{side}.mask"].long()).bfloat16()
            for side in SIDES
        }


def change_vocabulary(model, seed):
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in (model.get_input_embeddings(), model.get_output_embeddings()):
            layer.weight.add_(torch.randn(layer.weight.shape, generator=generator) * 0.05)


def save(model, folder, start, options):
    shutil.rmtree(HERE / folder, ignore_errors=True)
    converted = {"path_initial_model_for_weight_conversion": str(start)} if folder.endswith("pissa") else {}
    model.save_pretrained(
        HERE / folder, save_embedding_layers="vocabulary" in folder,
        safe_serialization=not folder.endswith("bin"), **converted,
    )
    if "parameters" in folder:
        archive = HERE / folder / "adapter_model.bin"
        tensors = torch.load(archive, weights_only=True)
        parameters = {name: torch.nn.Parameter(tensor) for name, tensor in tensors.items()}
        for parameter in list(parameters.values())[::2]:
            parameter.is_lora = True  # which is pickled otherwise
        torch.save(parameters, archive)
    (HERE / folder / "README.md").unlink(missing_ok=True)
    sort_lists(HERE / folder / "adapter_config.json", options)


def sort_lists(path, options):
    """PEFT writes sets in any order; the kept files shall not change from run to run. Maps are sorted,
    though their order counts when they are read: here they have the one that was computed with."""
    config = json.loads(path.read_text())
    for key, value in config.items():
        if isinstance(value, list):
            config[key] = sorted(value)
    config |= {key: options[key] for key in ("rank_pattern", "alpha_pattern") if key in options}
    path.write_text(json.dumps(dict(sorted(config.items())), indent=2) + "\n")


def main():
    torch.set_num_threads(1)
    # LoRA on out_proj is right wherever the modules are called as modules, as they are on the CPU.
    tuners_utils._check_lora_target_modules_mamba = lambda *_: None
    only = sys.argv[1:]
    for seed, (folder, (kind, options)) in enumerate(CASES.items()):
        if not only or folder in only:
            make(folder, kind, options, seed)


if __name__ == "__main__":
    main()
