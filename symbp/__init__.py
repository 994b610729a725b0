"""symbp: SymPy equations in, gradient-checked Numba kernels out."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from symbp.errors import (
    CacheWarning,
    DataError,
    GradientError,
    NetworkError,
    ShapeError,
    SpecError,
    SymbpError,
    UnsupportedError,
)
from symbp.network import Network
from symbp.nn import *  # noqa: F403
from symbp.nn import __all__ as _vocabulary

if TYPE_CHECKING:
    from symbp.compiler import compile, mlp
    from symbp.pipeline import Derivation, derive
    from symbp.runtime.gradient_report import GradientReport
    from symbp.spec import load
    from symbp.view.circuit import Circuit, circuit

__version__ = "0.1.0"

__all__ = [
    "CacheWarning",
    "Circuit",
    "DataError",
    "Derivation",
    "GradientError",
    "GradientReport",
    "Network",
    "NetworkError",
    "ShapeError",
    "SpecError",
    "SymbpError",
    "UnsupportedError",
    "circuit",
    "compile",
    "derive",
    "load",
    "mlp",
    *_vocabulary,
]

# The compiler and Numba are loaded when they are first asked for: writing equations needs neither.
_LATER = {
    "compile": "symbp.compiler",
    "mlp": "symbp.compiler",
    "Derivation": "symbp.pipeline",
    "derive": "symbp.pipeline",
    "GradientReport": "symbp.runtime.gradient_report",
    "load": "symbp.spec",
    "Circuit": "symbp.view.circuit",
    "circuit": "symbp.view.circuit",
}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_LATER[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
