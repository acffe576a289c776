from wandb.errors import ConfigError

__all__ = ["ConfigError"]
