from wandb._run import RunDisabled
from wandb.sdk.lib import config_util, disabled

__all__ = ["RunDisabled", "config_util", "disabled"]
