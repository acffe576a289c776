from wandb._run import Settings

__all__ = ["Settings"]
