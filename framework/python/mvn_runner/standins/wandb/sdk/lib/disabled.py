from wandb._run import RunDisabled

__all__ = ["RunDisabled"]
