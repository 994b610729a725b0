"""Time to derive and compile a scalar model in a fresh process: python -m benchmarks.scalar.build MODEL PEER

From SymPy expressions to the first result. Imports are not counted, nor Numba's own start and the
construction of the expressions.
"""

import json
import sys
import time

import numba
import numpy as np
import sympy  # noqa: F401

from benchmarks.scalar.models import MODELS
from benchmarks.scalar.peers import make

if __name__ == "__main__":
    import symbp  # noqa: F401

    if sys.argv[2] == "JAX":
        import jax

        jax.jit(lambda x: x + 1)(1.0)
    numba.njit(lambda x: x + 1.0)(np.ones(1))
    model = MODELS[sys.argv[1]]()
    points = model.points(100)
    began = time.perf_counter()
    made = make(sys.argv[2], model, points)
    if isinstance(made, str):
        raise ImportError(made)
    print(json.dumps({"seconds": time.perf_counter() - began}))
