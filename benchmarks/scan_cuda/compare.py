"""Times the scan on a GPU, beside mamba-ssm where the Python has it: see benchmarks/scan_cuda/run.

Rounds as in benchmarks/compare.py. Two limits stand beside the times: that of the GPU's memory for
what a scan must read and write, at the rate of a copy in the same run, and that of the exponentials
that it must make, at the rate of a kernel in the same run that makes nothing else.
"""

import argparse
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE.parent))

from compare import Side, measure  # pylint: disable=wrong-import-position

# Sequences x tokens, then one batch of mixed lengths, which mamba-ssm would have to pad.
SHAPES = ["64x64", "8x128", "16x128", "32x128", "16x512", "8x2048", "1x16384", "16-512"]
ELEMENT = {"fp32": 4, "bf16": 2}


def gpu_name():
    try:
        names = subprocess.run(["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"],
                               capture_output=True, text=True, check=True).stdout.splitlines()
    except (OSError, subprocess.CalledProcessError):
        names = ["an NVIDIA GPU"] if pathlib.Path("/dev/nvidiactl").exists() else []
    if not names:
        sys.exit("benchmarks/scan_cuda: there is no NVIDIA GPU on this machine, nothing to measure")
    return names[0]


def least_bytes(what, element):
    """Of a (token, channel) place; a kept state is 64 bytes every 16 tokens."""
    forward = 4 * element  # u, delta, z; out
    kept = 4
    backward = 7 * element + kept  # u, delta, z, d_out; d_u, d_delta, d_z
    return forward if what == "forward" else forward + kept + backward


def exponentials(what):
    """Of a (token, channel) place: exp(delta A) of each of 16 states forward; backward both to make
    the states again and to go back. What else needs one is a sixteenth of it."""
    return 16 if what == "forward" else 3 * 16


def median(values):
    return statistics.median(values)


def alone(command, rounds):
    side = Side(command)
    side.round()
    seconds = [side.round()[0] for _ in range(rounds)]
    side.close()
    return median(seconds)


def has_peer(python):
    return subprocess.run([python, "-c", "import mamba_ssm.ops.selective_scan_interface"],
                          capture_output=True, check=False).returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--precision", nargs="+", default=["bf16", "fp32"], choices=ELEMENT)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    parser.add_argument("--work", nargs="+", default=["forward", "training"])
    parser.add_argument("--shape", nargs="+", default=SHAPES, help="sequences x tokens")
    parser.add_argument("--forward", choices=["channel", "quad"],
                        help="the forward kernel to take; default: as the batch is large")
    parser.add_argument("--python", default=sys.executable, help="one that has mamba_ssm")
    arguments = parser.parse_args()
    name = gpu_name()
    if arguments.forward:
        os.environ["MVN_SCAN_CUDA"] = arguments.forward
    program = str(arguments.build / "bin/scan_cuda_rounds")
    seconds_per_byte = alone([program, "copy"], arguments.rounds)
    seconds_per_exp = {precision: alone([program, precision, "exponentials"], arguments.rounds)
                       for precision in arguments.precision}
    peer = has_peer(arguments.python)
    rates = ", ".join(f"{1e-12 / seconds:.2f} trillion a second in {precision}"
                      for precision, seconds in seconds_per_exp.items())
    print(f"{name}; a copy moves {1e-12 / seconds_per_byte:.2f} TB/s; exponentials: {rates}; "
          f"{arguments.rounds} rounds; picoseconds per token and channel, D 1536, N 16; "
          f"forward kernel: {arguments.forward or 'chosen'}")
    if not peer:
        print(f"without a peer: {arguments.python} has no mamba_ssm")
    print("\n| work | precision | mvn | memory's limit | exponentials' limit | mamba-ssm | ratio |\n"
          "|---|---|---|---|---|---|---|", flush=True)
    for what in arguments.work:
        for shape in arguments.shape:
            for precision in arguments.precision:
                words = [precision, shape, what]
                limit = least_bytes(what, ELEMENT[precision]) * seconds_per_byte
                if peer and "x" in shape:
                    pairs = measure([program, *words],
                                    [arguments.python, str(HERE / "scan_cuda_peer.py"), *words],
                                    arguments.rounds)
                    ours, theirs = map(median, zip(*pairs))
                    rest = f"{theirs * 1e12:.3g} | {theirs / ours:.3g}"
                else:
                    ours, rest = alone([program, *words], arguments.rounds), " | "
                exps = exponentials(what) * seconds_per_exp[precision]
                print(f"| {what}, {shape} | {precision} | {ours * 1e12:.3g} | {limit * 1e12:.3g} | "
                      f"{exps * 1e12:.3g} | {rest} |", flush=True)


if __name__ == "__main__":
    main()
