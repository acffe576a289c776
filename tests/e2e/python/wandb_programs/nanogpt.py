"""As nanoGPT logs: a map of metrics with the iteration among them, behind a flag."""

import sys

import wandb

wandb_log = True
wandb_project = "owt"
wandb_run_name = "gpt2"
config = {"learning_rate": 6e-4, "max_iters": 3, "lr": 0.5}
for argument in sys.argv[1:]:
    key, value = argument.lstrip("-").split("=")
    config[key] = float(value)
if wandb_log:
    wandb.init(project=wandb_project, name=wandb_run_name, config=config)
for iter_num in range(3):
    wandb.log(
        {
            "iter": iter_num,
            "train/loss": 2.0 - iter_num,
            "val/loss": config["lr"] + iter_num,
            "lr": config["learning_rate"],
            "mfu": 30.0,
        }
    )
