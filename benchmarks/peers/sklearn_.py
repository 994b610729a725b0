"""scikit-learn's MLPClassifier: partial_fit is one epoch of minibatches."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.neural_network import MLPClassifier

from benchmarks.workloads import flat


def epoch(task):
    workload = task.workload
    x = np.concatenate([x for x, _ in task.batches])
    labels = np.concatenate([y.argmax(axis=1) for _, y in task.batches])
    model = MLPClassifier(
        workload.sizes[1:-1],
        activation=workload.activation,
        solver="sgd",
        alpha=0.0,
        batch_size=workload.samples,
        learning_rate_init=task.rate,
        momentum=0.0,
        nesterovs_momentum=False,
        shuffle=False,
        early_stopping=False,
    )
    classes = np.arange(workload.sizes[-1])
    model.partial_fit(x[: workload.samples], labels[: workload.samples], classes=classes)

    def call():
        model.partial_fit(x, labels)

    def result():
        # The optimizer holds these very arrays: they are filled, not replaced.
        for k, (W, b) in enumerate(workload.parameters):
            model.coefs_[k][:], model.intercepts_[k][:] = W.T, b
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            call()
        return flat([(W.T, b) for W, b in zip(model.coefs_, model.intercepts_, strict=True)])

    return call, result
