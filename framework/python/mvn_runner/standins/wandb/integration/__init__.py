"""Of W&B's integrations, Keras'; Trainer and Lightning bring their own."""
