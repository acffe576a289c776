"""mamba-ssm's scan on a GPU: scan_cuda_peer.py fp32|bf16 BATCHxLENGTH forward|training

Laid out as it likes best: [batch, channels, length].
"""

import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent))

import torch
from mamba_ssm.ops.selective_scan_interface import selective_scan_fn

from rounds import serve_rounds

CHANNELS, STATES, REPEATS = 1536, 16, 20


def main():
    dtype = torch.bfloat16 if sys.argv[1] == "bf16" else torch.float32
    batch, length = map(int, sys.argv[2].split("x"))

    def random(rows):
        return torch.randn(batch, rows, length, device="cuda").to(dtype).requires_grad_(True)

    u, delta, gate, b, c = (random(n) for n in (CHANNELS, CHANNELS, CHANNELS, STATES, STATES))
    a = -torch.arange(1, STATES + 1, dtype=torch.float32, device="cuda").repeat(CHANNELS, 1)
    d = torch.ones(CHANNELS, device="cuda")
    bias = torch.full((CHANNELS,), -4.0, device="cuda")
    d_y = torch.ones_like(u)

    def run():
        return selective_scan_fn(u, delta, a, b, c, d, gate, bias, True)

    def play():
        for _ in range(REPEATS):
            if sys.argv[3] == "forward":
                with torch.no_grad():
                    run()
            else:
                torch.autograd.grad(run(), (u, delta, b, c, gate), d_y)
        torch.cuda.synchronize()
        return batch * CHANNELS * length * REPEATS

    serve_rounds(play)


if __name__ == "__main__":
    main()
