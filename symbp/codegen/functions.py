"""How every function is spelled in the module, and which helpers it needs."""

from __future__ import annotations

_MATH = "atan2 asinh acosh atanh gamma"

DIRECT = {
    **{name: f"math.{name}" for name in _MATH.split()},
    "loggamma": "log_gamma",
    "floor": "np.floor",
    "ceiling": "np.ceil",
}
"""SymPy name -> name in the module, where they differ or come out of a library.

The functions of `symbp.codegen.vector` keep their names."""


def spelled(name: str) -> str:
    """The name of a function in the module's text."""
    return DIRECT.get(name, name)
