"""Elementary functions that LLVM vectorises.

`lane` holds the arithmetic that emits instructions, `sources` makes the text that modules carry, the
other files hold the bodies of the functions. Tables of coefficients have the highest power first, per
precision (True: float64); benchmarks/coefficients.py derives them.
"""

from typing import Any

from symbp.codegen.vector import error_function, exponential, logarithm, trigonometric

BODIES: dict[str, Any] = {
    "exp": exponential.lanes_exp,
    "expm1": exponential.lanes_expm1,
    "tanh": exponential.lanes_tanh,
    "sinh": exponential.lanes_sinh,
    "cosh": exponential.lanes_cosh,
    "log": logarithm.lanes_log,
    "log1p": logarithm.lanes_log1p,
    "power": logarithm.lanes_power,
    "sin": trigonometric.lanes_sin,
    "cos": trigonometric.lanes_cos,
    "tan": trigonometric.lanes_tan,
    "asin": trigonometric.lanes_asin,
    "acos": trigonometric.lanes_acos,
    "atan": trigonometric.lanes_atan,
    "erf": error_function.lanes_erf,
    "erfc": error_function.lanes_erfc,
    "erfcx": error_function.lanes_erfcx,
}
"""Name in the text of a module -> body."""
