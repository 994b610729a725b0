"""How a model file wants its model compiled and checked: the tables [options] and [check]."""

from __future__ import annotations

from dataclasses import dataclass

from symbp.spec.tables import choice, number, read_table, whole
from symbp.spec.toml_text import TomlText


@dataclass(frozen=True)
class Options:
    """The table [options].

    Attributes:
        dtype: "float64" or "float32", the type that kernels compute in.
        reduction: "mean" or "sum" of the loss over the samples of a batch.
    """

    dtype: str = "float64"
    reduction: str = "mean"


@dataclass(frozen=True)
class CheckOptions:
    """The table [check]: how the gradient is checked.

    Attributes:
        samples: how many samples; drawn from the training data where there is [train], else random numbers.
        seed: of the samples, the parameters and the directions.
        tolerance: relative error that passes; None leaves it to `symbp.runtime.check`.
        directions: compare along so many random directions in place of every entry; None does so for large
            models only.
    """

    samples: int = 8
    seed: int = 0
    tolerance: float | None = None
    directions: int | None = None


def read_options(source: TomlText) -> Options:
    """The table [options].

    Raises:
        SpecError: for unknown keys and values.
    """
    readers = {"dtype": choice("float64", "float32"), "reduction": choice("mean", "sum")}
    return Options(**read_table(source, "options", readers))  # type: ignore[arg-type]


def read_check(source: TomlText) -> CheckOptions:
    """The table [check].

    Raises:
        SpecError: for unknown keys and values.
    """
    readers = {
        "samples": whole(1, 10**6),
        "seed": whole(0, 2**32 - 1),
        "tolerance": number(0, 1),
        "directions": whole(1, 10**6),
    }
    return CheckOptions(**read_table(source, "check", readers))  # type: ignore[arg-type]
