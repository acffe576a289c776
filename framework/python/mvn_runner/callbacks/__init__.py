"""Callbacks that report a training loop's metrics: of transformers, Lightning and Keras.

Each is in a module of its own, which imports the library: mvn_runner.callbacks.transformers, say.
"""
