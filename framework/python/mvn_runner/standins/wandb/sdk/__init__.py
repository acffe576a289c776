"""Names of wandb.sdk that libraries touch."""

from wandb import finish, init, login, setup
from wandb._artifact import Artifact
from wandb._config import Config
from wandb._run import Run, Settings
from wandb.sdk import lib, wandb_config, wandb_run, wandb_settings

__all__ = [
    "Artifact",
    "Config",
    "Run",
    "Settings",
    "finish",
    "init",
    "lib",
    "login",
    "setup",
    "wandb_config",
    "wandb_run",
    "wandb_settings",
]
