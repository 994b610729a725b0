"""The table [train] of a model file: which data, how it is split and scaled, and what optimises.

Only the description is here; reading the data and training are done by whoever runs the model file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from symbp.spec.place import suggestion
from symbp.spec.tables import choice, flag, fraction, number, read_table, unknown_key, whole, word
from symbp.spec.toml_text import TomlText

BUNDLED = ("digits", "iris", "wine", "breast_cancer", "diabetes")  # the data sets inside of scikit-learn
_STOCHASTIC = ("sgd", "adam")
_RATES = {"gd": 0.1, "sgd": 0.1, "adam": 0.01}


@dataclass(frozen=True)
class DataSource:
    """Where training data comes from.

    Attributes:
        kind: "bundled" (with scikit-learn), "npz" or "csv".
        name: the name of the bundled set, or the file as the model file writes it.
        path: the file, inside of the model file's folder; None for bundled sets.
        columns: for each input of the model the array of the npz file, or the columns of the csv file, that
            it takes. Empty: the arrays have the names of the inputs; of bundled sets, the first input takes
            the features and the second the target.
    """

    kind: str
    name: str
    path: Path | None = None
    columns: dict[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True)
class TrainOptions:
    """The table [train].

    Attributes:
        data: where samples come from.
        test: the share of samples kept for testing, 0 < test < 1.
        seed: of the split, the initial parameters and the order of samples.
        optimizer: "lbfgs" and "gd" see all samples at each step, "sgd" and "adam" see batches.
        iterations: steps of lbfgs or gd.
        epochs: passes of sgd or adam over the training samples.
        rate: learning rate; None for lbfgs.
        batch: samples per step of sgd or adam.
        standardize: shift and scale each feature to mean 0 and variance 1 over the training samples.
        scale: multiply the features by this number.
        accuracy: share of test samples that must be classified rightly for training to succeed.
        output: the equation that predicts; None where the model file does not say.
        onehot: turn integer class labels into 0/1 vectors; None does so where the target is a vector.
    """

    data: DataSource
    test: float = 0.2
    seed: int = 0
    optimizer: str = "lbfgs"
    iterations: int = 200
    epochs: int = 20
    rate: float | None = None
    batch: int = 64
    standardize: bool = False
    scale: float = 1.0
    accuracy: float | None = None
    output: str | None = None
    onehot: bool | None = None


def read_train(
    source: TomlText, *, folder: Path | None, inputs: Iterable[str], equations: Iterable[str]
) -> TrainOptions | None:
    """The table [train], or None where the file has none.

    Args:
        source: the model file.
        folder: the folder that data files are looked for in.
        inputs: the names of the model's inputs.
        equations: the names that its equations define.

    Raises:
        SpecError: for unknown keys and values, and for files outside of `folder`.
    """
    if "train" not in source.data:
        return None
    readers = {
        "data": lambda value: value,  # a text or a table; looked into below
        "split": fraction,
        "test": fraction,
        "seed": whole(0, 2**32 - 1),
        "optimizer": choice("lbfgs", "gd", "sgd", "adam"),
        "iterations": whole(1),
        "epochs": whole(1),
        "rate": number(0),
        "batch": whole(1),
        "standardize": flag,
        "scale": number(0),
        "accuracy": number(0, 1),
        "output": word,
        "onehot": flag,
    }
    values = read_table(source, "train", readers)
    if "data" not in values:
        hint = f'write data = "digits" (or {", ".join(BUNDLED[1:])}), or data = {{ npz = "file.npz" }}'
        raise source.error("[train] has no data", "train", None, hint)
    if "split" in values:
        if "test" in values:
            raise source.error("both split and test are given", "train", "test", "test is 1 - split")
        values["test"] = 1.0 - values.pop("split")  # type: ignore[operator]
    _check_optimizer(source, values)
    output = values.get("output")
    if output is not None and output not in (names := list(equations)):
        problem = f"train.output names no equation: {output!r}"
        raise source.error(problem, "train", "output", suggestion(str(output), names))
    values["data"] = _read_data(source, values["data"], folder, list(inputs))
    return TrainOptions(**values)  # type: ignore[arg-type]


def _check_optimizer(source: TomlText, values: dict[str, object]) -> None:
    """Refuse settings that the optimizer would ignore; fill in its learning rate."""
    optimizer = str(values.get("optimizer", "lbfgs"))
    stochastic = optimizer in _STOCHASTIC
    for key, used in (("epochs", stochastic), ("batch", stochastic), ("iterations", not stochastic)):
        if key in values and not used:
            hint = "lbfgs and gd take iterations, sgd and adam take epochs and batch"
            raise source.error(f"{optimizer} takes no {key}", "train", key, hint)
    if "rate" in values and optimizer not in _RATES:
        raise source.error(f"{optimizer} takes no rate", "train", "rate", "it searches along a line")
    values.setdefault("rate", _RATES.get(optimizer))


def _read_data(source: TomlText, data: object, folder: Path | None, inputs: list[str]) -> DataSource:
    """train.data: the name of a bundled set, or a table {npz = ...} or {csv = ...} with columns per input."""

    def error(problem: str, hint: str | None = None) -> Exception:
        return source.error(problem, "train", "data", hint)

    if isinstance(data, str):
        if data not in BUNDLED:
            hint = (
                suggestion(data, BUNDLED)
                or f'known are {", ".join(BUNDLED)}; files: data = {{ npz = "file.npz" }}'
            )
            raise error(f"unknown data set {data[:100]!r}", hint)
        return DataSource("bundled", data)
    if not isinstance(data, dict):
        raise error("train.data is a name or a table", 'write data = "digits" or data = { npz = "file.npz" }')
    kinds = [kind for kind in ("npz", "csv") if kind in data and kind not in inputs]
    if len(kinds) != 1:
        raise error("train.data names one file", 'write data = { npz = "file.npz" }')
    kind, columns = kinds[0], {}
    for key, value in data.items():
        if key == kind:
            continue
        if key not in inputs:
            raise unknown_key(source, "train.data", key, [kind, *inputs])
        listed = value if isinstance(value, list) else [value]
        if (
            not listed
            or not all(isinstance(column, str) for column in listed)
            or (kind == "npz" and len(listed) > 1)
        ):
            wanted = "the name of an array" if kind == "npz" else "the name of a column, or a list of them"
            raise error(f"train.data.{key} must be {wanted}")
        columns[key] = tuple(listed)
    return DataSource(kind, str(data[kind]), _inside(source, data[kind], folder, "." + kind), columns)


def _inside(source: TomlText, name: object, folder: Path | None, suffix: str) -> Path:
    """The path of a data file, refused where it could lie outside of the model file's folder."""

    def error(problem: str) -> Exception:
        return source.error(
            problem, "train", "data", "data files lie in the folder of the model file, or below"
        )

    if not isinstance(name, str) or not re.fullmatch(r"[\w .+/-]+", name) or name != name.strip():
        raise error("the name of a data file is letters, digits, and any of _ . + - / and blanks")
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise error(f"the data file {name!r} is outside of the model file's folder")
    if path.suffix.lower() != suffix:
        raise error(f"the data file {name!r} does not end in {suffix}")
    if folder is None:
        raise error("a model given as text has no folder to find its data in; pass folder=...")
    # Links may lead anywhere; what counts is where the file really is.
    root, found = folder.resolve(), (folder / path).resolve()
    if not found.is_relative_to(root):
        raise error(f"the data file {name!r} is outside of the model file's folder")
    return found
