"""Training a model as its model file says: data, optimizers, accuracy."""

from symbp.train.data import Samples, read_samples
from symbp.train.fit import Fit, fit

__all__ = ["Fit", "Samples", "fit", "read_samples"]
