"""transformers' eager attention of GPT-Neo: attention_peer.py THREADS LENGTH global|local"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

import torch
from transformers import GPTNeoConfig
from transformers.models.gpt_neo.modeling_gpt_neo import GPTNeoSelfAttention

from rounds import serve_rounds


def main():
    torch.set_num_threads(int(sys.argv[1]))
    length = int(sys.argv[2])
    config = GPTNeoConfig(hidden_size=768, num_heads=12, num_layers=1, attention_dropout=0.0,
                          attention_types=[[[sys.argv[3]], 1]])
    attention = GPTNeoSelfAttention(config, sys.argv[3]).train()
    qkv = [torch.randn(1, 12, length, 64, requires_grad=True) for _ in range(3)]

    def play():
        y = attention._attn(*qkv)[0]
        torch.autograd.grad(y, qkv, torch.ones_like(y))
        return length

    serve_rounds(play)


if __name__ == "__main__":
    main()
