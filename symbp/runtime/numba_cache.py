"""Machine code from disk into a dispatcher of Numba, without all that compiling needs.

Before Numba looks into its cache, it imports and registers everything it can compile: strings, sets,
generators of random numbers, SciPy's BLAS. That takes longer than all else in a process that compiles
nothing. The steps here are those of `Dispatcher.compile` for what is found in the cache.
"""

from __future__ import annotations

from typing import Any

from numba.core.compiler_lock import global_compiler_lock
from numba.core.runtime import rtsys


def load_machine_code(dispatcher: Any, signature: tuple) -> bool:
    """Whether the function is now there for these types of arguments; Numba's own way does it where not."""
    load = getattr(dispatcher._cache, "_load_overload", None)
    if load is None or signature in dispatcher.overloads:
        return False
    with global_compiler_lock:
        target = dispatcher.targetctx
        rtsys.initialize(target)  # what the machine code calls to allocate
        found = load(signature, target)
        if found is None or found.objectmode:
            return False
        target.insert_user_function(found.entry_point, found.fndesc, [found.library])
        dispatcher.add_overload(found)
    return True
