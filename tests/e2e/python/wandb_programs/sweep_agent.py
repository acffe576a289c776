"""As W&B's own sweep tutorials: defaults, wandb.init(config=...), wandb.config.x afterwards."""

import argparse

import wandb

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--epochs", type=int, default=2)
args = parser.parse_args()
run = wandb.init(config=args)
config = wandb.config
assert config.lr == args.lr and config["epochs"] == 2 and config.get("none", 5) == 5
for epoch in range(config.epochs):
    run.log({"epoch": epoch, "val": {"loss": config.lr / (epoch + 1), "acc": 0.5}}, step=epoch)
run.summary["best_accuracy"] = 0.75
wandb.finish()
