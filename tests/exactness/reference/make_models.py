"""Makes tiny random checkpoints with transformers and writes what transformers computes with them.

Each folder beside this file holds a checkpoint (config.json and its weights) and expected.safetensors:
for every batch, `<batch>.ids`, `.mask`, `.loss`, one `.grad.<parameter>` for every parameter, and the
hidden states and logits of some real tokens, whose places in the flattened batch are `.rows`;
`.logits_bf16` are the logits of the same model in bfloat16. Classifiers have `.labels` and `.scores`.

Run it with the libraries of requirements.txt. Weights that are there already are kept, so the files
change only when a library's numbers do.
"""

import json
import pathlib

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import (
    GPTNeoConfig,
    GPTNeoForCausalLM,
    GPTNeoForSequenceClassification,
    MambaConfig,
    MambaForCausalLM,
    MistralConfig,
    MistralForCausalLM,
    MistralForSequenceClassification,
)

HERE = pathlib.Path(__file__).resolve().parent
VOCABULARY = 64
ROWS = 24  # tokens of a batch whose hidden states and logits are kept

MAMBA = dict(vocab_size=VOCABULARY, hidden_size=16, num_hidden_layers=2, state_size=16, use_cache=False)
NEO = dict(
    vocab_size=VOCABULARY, hidden_size=16, num_layers=4, num_heads=2, attention_types=[[["global", "local"], 2]],
    window_size=6, max_position_embeddings=48, intermediate_size=40, bos_token_id=1, eos_token_id=1,
)
MISTRAL = dict(
    vocab_size=VOCABULARY, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, head_dim=6, sliding_window=8, max_position_embeddings=640, pad_token_id=None,
    attn_implementation="eager",
)


def fill(model, folder, seed):
    """The weights that the folder holds already, so that what is built on them stays valid."""
    safetensors, archive = HERE / folder / "model.safetensors", HERE / folder / "pytorch_model.bin"
    if safetensors.exists():
        model.load_state_dict(load_file(safetensors), strict=False)
        model.tie_weights()
    elif archive.exists():
        state = torch.load(archive)
        model.load_state_dict({name.replace(".embedding.", ".embeddings."): state[name] for name in state})
    else:
        randomise(model, seed)
    return model.eval()


def randomise(model, seed):
    """Weights large enough that every part of the model matters to its output."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if name.endswith(("A_log", ".D", "dt_proj.bias")):
                parameter.add_(0.1 * noise)
            elif name.endswith("bias"):
                parameter.copy_(0.1 * noise)
            elif parameter.dim() == 1:
                parameter.copy_(1 + 0.1 * noise)
            elif "embed" in name or "wte" in name or "wpe" in name:
                parameter.copy_(0.5 * noise)
            else:
                parameter.copy_(noise / parameter[0].numel() ** 0.5)


def batch(lengths, side, seed):
    generator = torch.Generator().manual_seed(seed)
    longest = max(lengths)
    ids = torch.zeros(len(lengths), longest, dtype=torch.int64)
    mask = torch.zeros(len(lengths), longest, dtype=torch.int64)
    for row, length in enumerate(lengths):
        where = slice(0, length) if side == "right" else slice(longest - length, longest)
        ids[row, where] = torch.randint(2, VOCABULARY, (length,), generator=generator)
        mask[row, where] = 1
    return ids, mask


BATCHES = {
    "short": batch([1, 2, 3, 9, 33], "right", 1),
    "left": batch([5, 33, 20], "left", 2),
}
LONG = {"long": batch([600, 257, 256, 255], "right", 3)}


def compute(model, ids, mask):
    """Hidden states, logits, and the loss over the real next tokens, with its gradients."""
    model.zero_grad()
    output = model(input_ids=ids, attention_mask=mask, output_hidden_states=True)
    logits = output.logits
    # A next token counts where it and the token before it are real.
    counted = (mask[:, 1:] * mask[:, :-1]).bool()
    loss = torch.nn.functional.cross_entropy(logits[:, :-1].float()[counted], ids[:, 1:][counted])
    loss.backward()
    return output.hidden_states[-1], logits, loss


def expected_of(model, batches):
    kept = {}
    for name, (ids, mask) in batches.items():
        hidden, logits, loss = compute(model, ids, mask)
        real = mask.flatten().nonzero().squeeze(1)
        rows = real[torch.linspace(0, len(real) - 1, min(ROWS, len(real))).long()]
        kept[f"{name}.ids"] = ids.to(torch.uint8)
        kept[f"{name}.mask"] = mask.bool()
        kept[f"{name}.rows"] = rows
        kept[f"{name}.hidden"] = hidden.flatten(0, 1)[rows]
        kept[f"{name}.logits"] = logits.flatten(0, 1)[rows]
        kept[f"{name}.loss"] = loss.reshape(1)
        for parameter_name, parameter in model.named_parameters():
            kept[f"{name}.grad.{parameter_name}"] = parameter.grad.clone()
    # float32 weights survive the way there and back: the model is copied, not converted in place.
    half = type(model)(model.config)
    half.load_state_dict(model.state_dict())
    half.to(torch.bfloat16).eval()
    for name, (ids, mask) in batches.items():
        with torch.no_grad():
            logits = half(input_ids=ids, attention_mask=mask).logits
        kept[f"{name}.logits_bf16"] = logits.flatten(0, 1)[kept[f"{name}.rows"]].to(torch.bfloat16)
    return {name: tensor.detach().contiguous() for name, tensor in kept.items()}


def write(folder, model, kept):
    model.save_pretrained(HERE / folder)
    (HERE / folder / "generation_config.json").unlink(missing_ok=True)
    save_file(kept, HERE / folder / "expected.safetensors")


def language_model(folder, model, seed, batches):
    fill(model, folder, seed)
    write(folder, model, expected_of(model, batches))


def classifier(folder, model, seed):
    fill(model, folder, seed)
    kept = {}
    for name, (ids, mask) in BATCHES.items():
        labels = torch.arange(len(ids)) % model.config.num_labels
        model.zero_grad()
        output = model(input_ids=ids, attention_mask=mask, labels=labels)
        output.loss.backward()
        kept[f"{name}.ids"] = ids.to(torch.uint8)
        kept[f"{name}.mask"] = mask.bool()
        kept[f"{name}.labels"] = labels
        kept[f"{name}.scores"] = output.logits
        kept[f"{name}.loss"] = output.loss.reshape(1)
        for parameter_name, parameter in model.named_parameters():
            kept[f"{name}.grad.{parameter_name}"] = parameter.grad.clone()
    write(folder, model, {name: tensor.detach().contiguous() for name, tensor in kept.items()})


def original_mamba(folder):
    """The layout of state-spaces/mamba-*: another config.json, other names, a pickle."""
    config = MambaConfig(**MAMBA)
    model = fill(MambaForCausalLM(config), folder, 11)
    kept = expected_of(model, {"short": BATCHES["short"]})
    state = {}
    for name, tensor in model.state_dict().items():
        state[name.replace("backbone.embeddings.", "backbone.embedding.")] = tensor
    state["lm_head.weight"] = state["backbone.embedding.weight"]
    (HERE / folder).mkdir(exist_ok=True)
    torch.save(state, HERE / folder / "pytorch_model.bin")
    original = {
        "d_model": 16, "n_layer": 2, "vocab_size": VOCABULARY - 3, "ssm_cfg": {}, "rms_norm": True,
        "residual_in_fp32": True, "fused_add_norm": True, "pad_vocab_size_multiple": 8,
    }
    (HERE / folder / "config.json").write_text(json.dumps(original, indent=2) + "\n")
    save_file(kept, HERE / folder / "expected.safetensors")


def main():
    torch.set_num_threads(1)
    torch.manual_seed(0)
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    language_model("mamba", MambaForCausalLM(MambaConfig(**MAMBA)), 1, BATCHES | LONG)
    small = MAMBA | dict(state_size=5, use_bias=True, use_conv_bias=False, conv_kernel=3, time_step_rank=3,
                         hidden_size=12, tie_word_embeddings=False)
    language_model("mamba-odd", MambaForCausalLM(MambaConfig(**small)), 2, BATCHES)
    original_mamba("mamba-original")
    language_model("gptneo", GPTNeoForCausalLM(GPTNeoConfig(**NEO)), 3, BATCHES)
    real_window = NEO | dict(hidden_size=8, num_layers=2, attention_types=[[["local"], 1], [["global"], 1]],
                             window_size=256, max_position_embeddings=600, intermediate_size=None)
    language_model("gptneo-long", GPTNeoForCausalLM(GPTNeoConfig(**real_window)), 4, LONG)
    language_model("mistral", MistralForCausalLM(MistralConfig(**MISTRAL)), 6, BATCHES | LONG)
    labelled = MISTRAL | dict(num_labels=3, pad_token_id=0, sliding_window=None)
    classifier("mistral-classifier", MistralForSequenceClassification(MistralConfig(**labelled)), 7)
    labelled = NEO | dict(num_labels=3, pad_token_id=0)
    classifier("gptneo-classifier", GPTNeoForSequenceClassification(GPTNeoConfig(**labelled)), 5)


if __name__ == "__main__":
    main()
