"""The data that a model file names: read, split, scaled, and given to the inputs of the model."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from symbp.errors import DataError
from symbp.spec import Spec, TrainOptions

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Samples:
    """Data by the names of the inputs, one row per sample.

    Attributes:
        train: the samples to learn from.
        test: the samples kept aside.
        classes: the class of each test sample; None where the target is not a class.
    """

    train: Arrays
    test: Arrays
    classes: np.ndarray | None


def read_samples(spec: Spec) -> Samples:
    """The data of the table [train] of a model file.

    Raises:
        DataError: it cannot be read, or does not fit the inputs.
    """
    options = spec.train
    if options is None:
        raise DataError("the model file has no table [train]", hint='write [train] with data = "digits"')
    arrays = _read(options, spec.inputs)
    sizes = {len(a) for a in arrays.values()}
    if len(sizes) > 1:
        text = ", ".join(f"{name}: {len(a)}" for name, a in arrays.items())
        raise DataError(f"the inputs have different numbers of samples: {text}")
    count = sizes.pop()
    test_count = round(count * options.test)
    if not 0 < test_count < count:
        raise DataError(f"{count} samples cannot be split into training and test samples")
    order = np.random.default_rng(options.seed).permutation(count)
    test, train = order[:test_count], order[test_count:]
    names = list(spec.inputs)
    features, target = arrays[names[0]], names[1] if len(names) > 1 else None
    arrays[names[0]] = _scaled(features, train, options)
    classes = None
    if target is not None:
        arrays[target], classes = _target(arrays[target], spec.inputs[target], options, target)
    shaped = {name: _shaped(name, a, spec.inputs[name]) for name, a in arrays.items()}
    return Samples(
        {name: a[train] for name, a in shaped.items()},
        {name: a[test] for name, a in shaped.items()},
        None if classes is None else classes[test],
    )


def _read(options: TrainOptions, inputs: Mapping[str, Any]) -> Arrays:
    data, names = options.data, list(inputs)
    if data.kind == "bundled":
        return dict(zip(names, _bundled(data.name), strict=False))
    assert data.path is not None
    try:
        if data.kind == "csv":
            return _read_csv(data, inputs)
        with np.load(data.path, allow_pickle=False) as file:
            wanted = {name: data.columns.get(name, (name,))[0] for name in names}
            for name, key in wanted.items():
                if key not in file.files:
                    hint = f"it has {', '.join(file.files)}"
                    raise DataError(f"{data.name} has no array {key!r} for the input {name}", hint=hint)
            return {name: np.asarray(file[key]) for name, key in wanted.items()}
    except (OSError, ValueError) as error:
        raise DataError(f"the data file {data.name} cannot be read: {error}") from None


def _bundled(name: str) -> tuple[np.ndarray, np.ndarray]:
    try:
        from sklearn import datasets
    except ImportError:
        raise DataError(
            f"the data set {name!r} comes with scikit-learn, which is not installed",
            hint="pip install 'symbp[data]'",
        ) from None
    x, y = getattr(datasets, f"load_{name}")(return_X_y=True)
    return np.asarray(x, dtype=float), np.asarray(y)


def _read_csv(data: Any, inputs: Mapping[str, Any]) -> Arrays:
    with data.path.open(newline="", encoding="utf-8") as file:
        rows = [row for row in csv.reader(file) if row]
    if len(rows) < 2:
        raise DataError(f"{data.name} needs a line of column names and then numbers")
    header = [cell.strip() for cell in rows[0]]
    wanted = {name: data.columns.get(name, (name,)) for name in inputs}
    for column in (c for columns in wanted.values() for c in columns):
        if column not in header:
            raise DataError(f"{data.name} has no column {column!r}", hint=f"it has {', '.join(header)}")
    table = np.array([[float(cell) for cell in row] for row in rows[1:]])
    return {name: table[:, [header.index(c) for c in columns]] for name, columns in wanted.items()}


def _scaled(features: np.ndarray, train: np.ndarray, options: TrainOptions) -> np.ndarray:
    features = np.asarray(features, dtype=float)
    if options.standardize:
        spread = features[train].std(axis=0)
        # A feature that never changes stays what it is, at 0.
        features = (features - features[train].mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    return features * options.scale


def _target(
    values: np.ndarray, shape: Any, options: TrainOptions, name: str
) -> tuple[np.ndarray, np.ndarray | None]:
    """The target as the model takes it, and the classes it stands for."""
    flat = values.ravel() if values.ndim > 1 and values.shape[1] == 1 else values
    if flat.ndim == 2:  # 0/1 vectors already, or a regression of several numbers
        binary = bool(np.isin(flat, (0, 1)).all()) and bool((flat.sum(axis=1) == 1).all())
        return values, flat.argmax(axis=1) if binary else None
    whole = flat.dtype.kind in "iub" or bool((flat == np.round(flat)).all())
    size = shape[0] if isinstance(shape, tuple) and len(shape) == 1 else None
    onehot = options.onehot if options.onehot is not None else size is not None and size > 1 and whole
    if shape == "label" or onehot:
        if not whole or flat.min() < 0:
            raise DataError(f"the target {name} has values that are not class labels 0, 1, 2, ...")
        labels = flat.astype(np.int64)
        if not onehot:
            return labels, labels
        if size is None or labels.max() >= size:
            raise DataError(f"the target {name} has {labels.max() + 1} classes, its shape is {shape}")
        return np.eye(size)[labels], labels
    two = whole and set(np.unique(flat)) <= {0, 1}
    return flat.astype(float), flat.astype(np.int64) if two else None


def _shaped(name: str, values: np.ndarray, shape: Any) -> np.ndarray:
    row = () if shape == "label" else tuple(shape)
    if values.size != len(values) * int(np.prod(row, dtype=np.int64)):
        raise DataError(f"the data for {name} has {values.shape[1:]} numbers per sample, its shape is {row}")
    return np.ascontiguousarray(values.reshape(len(values), *row))
