from wandb._config import Config

__all__ = ["Config"]
