"""What the code generator is asked for: one program and how its tensors enter and leave."""

from __future__ import annotations

from dataclasses import dataclass

from symbp.ir.nodes import Program

FUSED, LAYERWISE = "fused", "layerwise"
"""Schedules: a tile whose buffers stay in a second-level cache, or as many samples as share the load of a
matrix."""


@dataclass(frozen=True)
class Kernel:
    """A program with the calling convention of the function that runs it.

    Attributes:
        name: of the function: "forward", "value_and_grad", "jacobian", ...
        program: batched tensors have shape (BATCH, ...).
        inputs: tensors passed as C-contiguous arrays of their own, in order; scalars as shape (1,).
        parameters: tensors that live in the flat vector `theta`, in this order, C order each.
        results: defined tensors returned each in an array of its own; scalars as shape (1,).
        gradient: defined tensors that live, in this order, in one flat vector `gradient`.
        dtype: "float64" or "float32".
        point: whether a function for one sample is emitted as well.
        schedule: "fused", "layerwise" or samples per tile; None leaves it to `symbp.schedule.memory`.
        threads: the most threads that share the work on samples and on gradients.
    """

    name: str
    program: Program
    inputs: tuple[str, ...]
    parameters: tuple[str, ...]
    results: tuple[str, ...]
    gradient: tuple[str, ...]
    dtype: str = "float64"
    point: bool = False
    threads: int = 1
    schedule: str | int | None = None

    @property
    def parallel(self) -> bool:
        return self.threads > 1
