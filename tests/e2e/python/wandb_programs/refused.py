"""A program that starts its own sweep."""

import wandb

sweep_id = wandb.sweep({"method": "grid"}, project="p")
wandb.agent(sweep_id, lambda: None)
