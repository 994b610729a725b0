"""How every function is spelled in the module, and which helpers it needs."""

from __future__ import annotations

_MATH = """exp expm1 log log1p sin cos tan asin acos atan atan2 sinh cosh tanh asinh acosh atanh
erf gamma"""

DIRECT = {
    **{name: f"math.{name}" for name in _MATH.split()},
    "loggamma": "log_gamma",
    "floor": "np.floor",
    "ceiling": "np.ceil",
}
"""SymPy name -> name in the module, where they differ or come out of a library."""


def spelled(name: str) -> str:
    """The name of a function in the module's text."""
    return DIRECT.get(name, name)
