"""How every function is spelled in the module, and which helpers it needs."""

from __future__ import annotations

DIRECT = {
    **{name: f"math.{name}" for name in "exp log sin cos tan sinh cosh tanh erf erfc gamma".split()},
    **{name: f"math.{name}" for name in "asin acos atan asinh acosh atanh atan2".split()},
    "loggamma": "log_gamma",
    "floor": "np.floor",
    "ceiling": "np.ceil",
}
"""SymPy name -> name in the module, where they differ or come out of a library."""

HELPERS = {"sign", "maximum", "minimum", "digamma", "log_gamma"}


def spelled(name: str) -> str:
    """The name of a function in the module's text."""
    return DIRECT.get(name, name)
