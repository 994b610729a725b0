"""Results that are infinite or nan at finite arguments, computed again in numbers that do not overflow.

Floating point loses exp(x) exp(-y) at x = y = 800, and sqrt(1 + x^2) at 1e200. The kernels take the risk:
to carry exponents along would take them several times as long, for arguments that hardly anybody gives.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from symbp.ir.scaled import Arithmetic, Scaled
    from symbp.schedule.kernel import Kernel

CLOSE = 2.0**-27
"""Relative difference of a number computed again, with other rounding errors, below which it is right."""

ENTRIES = 1 << 20
"""Numbers that are kept at a time: so many samples as there is room for with all their statements."""


def all_finite(arrays: Sequence[np.ndarray]) -> bool:
    return all(np.isfinite(a).all() for a in arrays)


class SecondLooks:
    """Looks again at the results of kernels of single numbers.

    Args:
        planned: gives the kernel of a name, all statements of which give single numbers, or rows entry by
            entry.
    """

    def __init__(self, planned: Callable[[str], Kernel]):
        self._planned = planned
        self._kernels: dict[str, Kernel] = {}

    def __call__(self, name: str, arguments: Sequence[np.ndarray], results: Sequence[np.ndarray]) -> None:
        """Overwrite what was lost.

        Args:
            name: of the kernel.
            arguments: an array (N, ...) for each input, or (1, ...) for all samples.
            results: an array (N, ...) for each result, or (1, ...) for what is the same for all samples.
        """
        if all_finite(results):
            return
        count = max(map(len, results))
        lost = np.zeros(count, bool)
        for array in results:
            lost |= ~_finite_rows(array)
        for array in arguments:
            lost &= _finite_rows(array)
        found = np.flatnonzero(lost)
        if not len(found):
            return
        kernel = self._kernels.get(name)
        if kernel is None:
            kernel = self._kernels[name] = self._planned(name)
        piece = max(1, ENTRIES // len(kernel.program.statements))
        for start in range(0, len(found), piece):
            at = found[start : start + piece]
            given = [a[at] if len(a) == count else a for a in arguments]
            new = looked_again(kernel, given, [r[at] if len(r) == count else r for r in results])
            for array, values in zip(results, new, strict=True):
                if len(array) == count:
                    array[at] = values


def _finite_rows(array: np.ndarray) -> np.ndarray:
    return np.isfinite(array).reshape(len(array), -1).all(axis=1)


def looked_again(
    kernel: Kernel, arguments: Sequence[np.ndarray], results: Sequence[np.ndarray]
) -> list[np.ndarray]:
    """The results, with those that are wrong by overflow replaced where that is certain.

    Where a sample has lost one of its results, others may be finite and wrong: 1/(1 + exp(x)^2) is not 0.
    """
    from symbp.ir.scaled import Arithmetic, rounded

    with np.errstate(all="ignore"):
        try:
            once = _entries(kernel, arguments, Arithmetic())
        except NotImplementedError:  # a function that is not known there
            return list(results)
        after = [
            _rows([rounded(v) for v in own], old).astype(old.dtype)
            for own, old in zip(once, results, strict=True)
        ]
        changed = [
            ~(np.abs(new - old) <= CLOSE * np.abs(new)) & (new != old) & ~np.isnan(new)
            for new, old in zip(after, results, strict=True)
        ]
        if not any(c.any() for c in changed):
            return list(results)
        others = [_entries(kernel, arguments, Arithmetic(np.random.default_rng(0), way)) for way in (1, -1)]
        sure = [
            _rows([_agree(u, v) & _agree(u, w) for u, v, w in zip(*entries, strict=True)], old)
            for *entries, old in zip(once, *others, results, strict=True)
        ]
    return [np.where(c & s, new, old) for c, s, new, old in zip(changed, sure, after, results, strict=True)]


def _rows(columns: Sequence[np.ndarray], like: np.ndarray) -> np.ndarray:
    """The entries of a result, some of which are the same for all samples, as one array."""
    wide = [np.broadcast_to(c, len(like)) for c in columns]
    return np.stack(wide, axis=-1).reshape(like.shape)


def _entries(kernel: Kernel, arguments: Sequence[np.ndarray], arithmetic: Arithmetic) -> list[list[Scaled]]:
    """All entries of each result."""
    from symbp.ir.scaled import scaled
    from symbp.ir.scaled_body import scaled_values

    given = {
        (name, place): scaled(column)
        for name, array in zip(kernel.inputs, arguments, strict=True)
        for place, column in zip(np.ndindex(array.shape[1:]), array.reshape(len(array), -1).T, strict=True)
    }
    found = scaled_values(kernel.program, given, arithmetic)
    rows = ((n, kernel.program.tensors[n].row_shape) for n in kernel.results)
    return [[found[n, at] for at in np.ndindex(*shape)] for n, shape in rows]


def _agree(one: Scaled, other: Scaled) -> Any:
    """Whether so many digits are the same that they are right, or what they are rounded to is the same."""
    from symbp.ir.scaled import Arithmetic, less, negative, rounded, scaled, size

    exact = Arithmetic()
    difference, allowed = exact.add(one, negative(other)), exact.multiply(scaled(CLOSE), size(one))
    return (rounded(one) == rounded(other)) | less(size(difference), allowed)
