"""transformers' Trainer with report_to="wandb", on a model of a few weights."""

import os

import torch
import transformers

here = os.path.dirname(os.environ["MVN_TRIAL"])


class Tiny(transformers.PreTrainedModel):
    config_class = transformers.PretrainedConfig

    def __init__(self, config):
        super().__init__(config)
        self.layer = torch.nn.Linear(10, 4)
        self.post_init()

    def forward(self, x, labels=None):
        scores = self.layer(x)
        return {"loss": torch.nn.functional.cross_entropy(scores, labels), "logits": scores}


data = [{"x": torch.ones(10) * i, "labels": i % 4} for i in range(8)]
arguments = transformers.TrainingArguments(
    output_dir=here,
    max_steps=4,
    logging_steps=2,
    per_device_train_batch_size=2,
    report_to="wandb",
    eval_strategy="steps",
    eval_steps=4,
    use_cpu=True,
    save_strategy="no",
    learning_rate=0.01,
)
transformers.Trainer(
    model=Tiny(transformers.PretrainedConfig()),
    args=arguments,
    train_dataset=data,
    eval_dataset=data,
).train()
