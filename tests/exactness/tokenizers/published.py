"""The published tokenizers of the shared data, as the reference library has them."""
import json

from tokenizers import Tokenizer, decoders, models, pre_tokenizers

import mistral

NAMES = ["gpt2", "gpt-neox-20b", "mistral"]


def gpt2(folder):
    made = Tokenizer(models.BPE.from_file(str(folder / "vocab.json"), str(folder / "merges.txt")))
    made.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    made.decoder = decoders.ByteLevel()
    made.add_special_tokens(["<|endoftext|>"])
    return made


def mistral_json(folder):
    """The text of Mistral's tokenizer.json, of which the shared data have the SentencePiece model."""
    return json.dumps(mistral.convert((folder / "tokenizer.model").read_bytes()))


def reference(name, folder):
    """The tokenizer `name` from its `folder`."""
    if name == "gpt2":
        return gpt2(folder)
    if name == "mistral":
        return Tokenizer.from_str(mistral_json(folder))
    return Tokenizer.from_file(str(folder / "tokenizer.json"))
