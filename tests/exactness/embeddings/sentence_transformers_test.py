#!/usr/bin/env python3
"""What mvn trains opens in sentence-transformers with the same vectors, and the reverse.

    sentence_transformers_test.py --runner MVN_RUNNER --data SHARED_DATA [--python PYTHON]
"""
import os
import signal
import subprocess
import sys
import time

import workplace

OPTIONS = workplace.options()
workplace.with_packages(OPTIONS, "sentence_transformers", "peft")
os.environ["HF_HUB_OFFLINE"] = "1"

import numpy
import safetensors.numpy
import sentence_transformers
import transformers

transformers.logging.set_verbosity_error()
PLACE = workplace.Workplace(OPTIONS.runner)
PLACE.write_tokenizer()
PLACE.write_pairs()
CASES = [
    ("gptneo", workplace.GPTNEO, "lora", "last", "true"),
    ("gptneo", workplace.GPTNEO, "none", "weighted_mean", "true"),
    ("gptneo", workplace.GPTNEO, "lora", "cls", "false"),
    ("mamba", workplace.MAMBA, "lora", "last", "true"),
    ("mamba", workplace.MAMBA, "none", "mean", "false"),
    ("mistral", workplace.MISTRAL, "lora", "last", "true"),
    ("mistral", workplace.MISTRAL, "lora", "max", "true"),
]
FAILURES = []


def compare(what, ours, theirs):
    ours, theirs = ours.astype(numpy.float64), theirs.astype(numpy.float64)
    lengths = numpy.linalg.norm(ours, axis=1), numpy.linalg.norm(theirs, axis=1)
    cosine = (ours * theirs).sum(1) / lengths[0] / lengths[1]
    apart = numpy.abs(lengths[0] / lengths[1] - 1).max()
    fine = cosine.min() >= 1 - 1e-6 and apart <= 1e-4
    print(f"{what}: smallest cosine 1 - {1 - cosine.min():.1e}, lengths within {apart:.1e}"
          + ("" if fine else "  <-- apart"))
    if not fine:
        FAILURES.append(what)


def embed(model, output, *more):
    PLACE.run("embed", model, "--input", "texts.txt", "--output", output, "--device", "cpu", *more)
    if output.endswith(".npy"):
        return numpy.load(PLACE.path / output)
    return safetensors.numpy.load_file(PLACE.path / output)["embeddings"]


def ours_there():
    PLACE.write("sweep.yaml", workplace.sweep("tiny", CASES))
    PLACE.run("sweep.yaml")
    trials = PLACE.query("SELECT trial, folder, params FROM trials WHERE state = 'done' ORDER BY trial")
    assert len(trials) == len(CASES), trials
    for row in trials:
        trial = row["trial"]
        folder = PLACE.path / "results" / "tiny" / trial / "model"
        model = sentence_transformers.SentenceTransformer(str(folder), device="cpu")
        for prompt, arguments in [(None, []), ("query", ["--prompt", "query"])]:
            what = f"{row['params'][:60]} prompt {prompt}"
            ours = embed(trial, f"{trial}-{prompt}.npy", *arguments)
            theirs = model.encode(PLACE.texts, prompt_name=prompt, batch_size=5)
            compare("trained here, " + what, ours, theirs)
        again = embed(str(folder), f"{trial}.safetensors", "--batch-size", "3")
        compare("the same from its folder", again, model.encode(PLACE.texts))


def theirs_here():
    tokenizer = transformers.AutoTokenizer.from_pretrained(PLACE.path / "tokenizer")
    tokenizer.pad_token = tokenizer.eos_token
    config = transformers.GPTNeoConfig(
        vocab_size=len(tokenizer), hidden_size=32, num_layers=2, num_heads=4, intermediate_size=64,
        max_position_embeddings=64, window_size=8, attention_types=[[["global", "local"], 1]])
    base = PLACE.path / "hf"
    transformers.set_seed(0)
    transformers.GPTNeoModel(config).save_pretrained(base)
    tokenizer.save_pretrained(base)
    for mode in ["cls", "max", "mean", "weightedmean", "lasttoken"]:
        modules = sentence_transformers.models
        transformer = modules.Transformer(str(base), max_seq_length=16)
        pooling = modules.Pooling(transformer.get_embedding_dimension(), mode)
        parts = [transformer, pooling] + ([modules.Normalize()] if mode != "mean" else [])
        model = sentence_transformers.SentenceTransformer(
            modules=parts, prompts={"s2s": "same: "}, device="cpu")
        folder = f"theirs-{mode}"
        model.save(str(PLACE.path / folder))
        # Their last token is the last word's, where ours would be the end of text; and of a text
        # that is cut they lose it.
        texts = [text for text in PLACE.texts if mode != "lasttoken" or len(tokenizer(text)["input_ids"]) < 10]
        PLACE.write("texts.txt", "\n".join(texts) + "\n")
        if mode == "lasttoken":
            texts = [text + tokenizer.eos_token for text in texts]
        compare(f"made there, {mode}", embed(folder, f"{mode}.npy"), model.encode(texts))
        compare(f"made there, {mode}, prompt", embed(folder, f"{mode}-p.npy", "--prompt", "s2s"),
                model.encode(texts, prompt_name="s2s"))


def stopped_and_gone_on_with():
    """A command that was interrupted goes on, and its file is that of one that was not."""
    PLACE.write("texts.txt", "\n".join(f"{' '.join(workplace.WORDS[i % 7:])} {i}" for i in range(20000)))
    command = [PLACE.runner, "embed", "theirs-mean", "--input", "texts.txt", "--device", "cpu"]
    subprocess.run([*command, "--output", "whole.npy"], cwd=PLACE.path, check=True,
                   stdout=subprocess.DEVNULL)
    part, state = PLACE.path / "cut.npy.part", PLACE.path / "cut.npy.part.json"
    changed = lambda: part.stat().st_mtime_ns if part.exists() else 0
    stops = 0
    while not (PLACE.path / "cut.npy").exists():
        before = changed()
        process = subprocess.Popen([*command, "--output", "cut.npy"], cwd=PLACE.path,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while process.poll() is None and (changed() == before or stops > 3):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT if stops % 2 == 0 else signal.SIGTERM)
        code = process.wait()
        assert code in (0, 130), code
        stops += code == 130
    same = (PLACE.path / "whole.npy").read_bytes() == (PLACE.path / "cut.npy").read_bytes()
    print(f"stopped {stops} times: {'equal, byte for byte' if same else 'different  <-- apart'}")
    if not same or stops == 0 or state.exists():
        FAILURES.append("stopped and gone on with")


ours_there()
theirs_here()
stopped_and_gone_on_with()
sys.exit(f"failed: {FAILURES}" if FAILURES else 0)
