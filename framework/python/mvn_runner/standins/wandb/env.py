"""Of wandb.env, what programs ask."""

import os


def get_entity(default=None):
    return os.environ.get("WANDB_ENTITY", default)


def get_project(default=None):
    return os.environ.get("WANDB_PROJECT", default)
