"""Lightning's WandbLogger, on a model of a few weights."""

import os

import lightning
import torch
from lightning.pytorch.loggers import WandbLogger

here = os.path.dirname(os.environ["MVN_TRIAL"])


class Tiny(lightning.LightningModule):
    def __init__(self, width):
        super().__init__()
        self.save_hyperparameters()
        self.layer = torch.nn.Linear(width, 1)

    def loss(self, batch):
        return self.layer(batch).pow(2).mean()

    def training_step(self, batch, _):
        loss = self.loss(batch)
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, _):
        self.log("val_loss", self.loss(batch))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.01)


loader = torch.utils.data.DataLoader([torch.ones(4) * i for i in range(4)])
logger = WandbLogger(project="p", save_dir=here, log_model=False)
logger.watch(torch.nn.Linear(1, 1))
trainer = lightning.Trainer(
    max_epochs=1,
    logger=logger,
    log_every_n_steps=1,
    accelerator="cpu",
    enable_progress_bar=False,
    default_root_dir=here,
    enable_checkpointing=False,
)
trainer.fit(Tiny(4), loader, loader)
logger.log_text("samples", columns=["a"], data=[["b"]])
