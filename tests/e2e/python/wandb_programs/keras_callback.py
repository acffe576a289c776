"""W&B's callback of Keras."""

import os

os.environ["KERAS_BACKEND"] = "torch"
import keras  # noqa: E402
import numpy  # noqa: E402
import wandb  # noqa: E402
from wandb.integration.keras import WandbMetricsLogger  # noqa: E402

wandb.init()
model = keras.Sequential([keras.layers.Dense(1)])
model.compile(loss="mse", optimizer="sgd")
model.fit(
    numpy.ones((4, 2)), numpy.ones((4, 1)), epochs=2, verbose=0, callbacks=[WandbMetricsLogger()]
)
