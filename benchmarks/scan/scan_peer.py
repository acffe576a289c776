"""transformers' scan without CUDA: scan_peer.py THREADS fp32|bf16 LENGTH forward|training"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

import torch
from transformers.models.mamba.modeling_mamba import mamba_selective_scan

from rounds import serve_rounds

BATCH, CHANNELS, STATES = 4, 1536, 16


def main():
    torch.set_num_threads(int(sys.argv[1]))
    dtype = torch.bfloat16 if sys.argv[2] == "bf16" else torch.float32
    length = int(sys.argv[3])

    def random(rows):
        return torch.randn(BATCH, rows, length).to(dtype).requires_grad_(True)

    u, delta, gate, b, c = (random(n) for n in (CHANNELS, CHANNELS, CHANNELS, STATES, STATES))
    a = -torch.arange(1, STATES + 1, dtype=torch.float32).repeat(CHANNELS, 1)
    d, bias = torch.ones(CHANNELS), torch.full((CHANNELS,), -4.0)

    def run():
        return mamba_selective_scan(u, delta, a, b, c, D=d, z=gate, delta_bias=bias,
                                    delta_softplus=True)

    def play():
        if sys.argv[4] == "forward":
            with torch.no_grad():
                run()
        else:
            y = run()
            torch.autograd.grad(y, (u, delta, b, c, gate), torch.ones_like(y))
        return BATCH * CHANNELS * length

    serve_rounds(play)


if __name__ == "__main__":
    main()
