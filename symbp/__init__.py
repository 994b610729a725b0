"""symbp: SymPy equations in, gradient-checked Numba kernels out."""

from symbp.compiler import compile, mlp
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
from symbp.pipeline import Derivation, derive
from symbp.runtime.check import GradientReport
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
