"""W&B's server is not asked: see wandb.Api."""

from wandb import Api

PublicApi = InternalApi = Api
