"""Several calls of log for one step, with commit=False and with explicit steps."""

import wandb

with wandb.init(project="p") as run:
    for _ in range(2):
        wandb.log({"a": 1.0}, commit=False)
        wandb.log({"b": 2.0})
    run.log({"c": 3.0}, step=10)
    run.log({"d": 4.0}, step=10)
    run.log({"late": 1.0}, step=3)
    run.log({"c": float("nan")}, step=11)
