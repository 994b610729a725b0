"""A module of kernels in this process: its text, its description, and its functions.

The description says how functions are compiled:

    machine    functions that Python calls, by name with the types of their arguments: straight through LLVM
    point_into the function for one sample alone, which is compiled like these where it is called often
    compile    the same, and more, for callers that Numba compiles: by Numba. So are all functions of a
               module whose `machine` is empty
    messages   of the errors of machine code
    room       where threads share the functions: entries of a workspace, entries per sample of other buffers,
               and the fewest samples that are more than one piece of work
    products   kinds of the micro-kernels that machine code calls, see `symbp.runtime.products`

Types of arguments are [dtype, ndim], with ndim 0 for a number. Numba is imported where it compiles, and
nowhere else.
"""

from __future__ import annotations

import contextlib
import linecache
import sys
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy

from symbp.machine.callable import Function
from symbp.machine.compile import Loaded
from symbp.machine.gate import JOB_KINDS
from symbp.machine.shared import SharedFunction
from symbp.runtime.lock import MAKING

if TYPE_CHECKING:
    from symbp.runtime.products import Products

MACHINE_CODE = "machine.o"
"""The file that holds the machine code of a module."""


def products_file(kind: str) -> str:
    """The name of the file that holds the machine code of the micro-kernels of a kind that it calls."""
    return f"{kind.replace(' ', '_')}.o"


class LoadedModule:
    """An imported module of kernels.

    Args:
        name: of the module, which tells it from all others.
        source: its text.
        meta: its description, see above.
        path: the folder it lives in.
        objects: the files with its machine code, by name, if there are some on disk.
        from_disk: whether it was compiled before.

    Raises:
        ValueError: what is on disk is not all there.
    """

    def __init__(
        self,
        name: str,
        source: str,
        meta: dict,
        path: Path,
        objects: Mapping[str, bytes] | None = None,
        from_disk: bool = False,
    ):
        self.name, self.source, self.meta, self.path = name, source, meta, path
        self.from_disk, self.objects = from_disk, dict(objects or {})
        self._functions: dict[str, Function | SharedFunction] = {}
        if meta.get("machine") and not from_disk:
            self._make()
        if not self.meta.get("machine"):
            self._compile()
        elif not {MACHINE_CODE, *map(products_file, self.meta.get("products", ()))} <= set(self.objects):
            raise ValueError("machine code is missing")

    def _make(self) -> None:
        """Compile what Python calls; where that covers not all of the text, Numba will do it."""
        from symbp.machine.build import NotCovered, build

        given = self._products()
        try:
            functions = {name: kind for made in given.values() for name, kind in made.functions.items()}
            code, messages = build(self.source, self.meta["machine"], functions, self._shared)
        except NotCovered:
            self.meta = {**self.meta, "machine": {}}
        else:
            self.meta = {**self.meta, "messages": messages}
            objects = {products_file(kind): made.code.result() for kind, made in given.items()}
            self.objects = {MACHINE_CODE: code} | objects

    def _products(self) -> dict[str, Products]:
        from symbp.runtime.products import begin

        return {kind: begin(kind) for kind in self.meta.get("products", ())}

    def function(self, name: str) -> Any:
        """A function as Python calls it."""
        kinds = self.meta.get("machine", {}).get(name)
        if kinds is None:
            return getattr(self.module, name)
        if name not in self._functions:
            messages = self.meta["messages"]
            if self._shared:
                own = kinds[: -len(JOB_KINDS)]
                self._functions[name] = SharedFunction(self._loaded, name, own, messages)
            else:
                self._functions[name] = Function(self._loaded, name, kinds, messages)
        return self._functions[name]

    @property
    def _shared(self) -> bool:
        return bool(self.meta.get("room"))

    @cached_property
    def _loaded(self) -> Loaded:
        return Loaded(*self.objects.values())

    def moved(self, folder: Path) -> None:
        """It lives in another folder now."""
        self.path = folder
        if "module" in vars(self):
            self.module.__file__ = str(folder / f"{self.name}.py")

    # ---- for Numba

    @cached_property
    def module(self) -> types.ModuleType:
        """The module itself, which machine code does without. Importing it passes the import system by,
        which would write and trust byte code."""
        with MAKING:
            path = self.path / f"{self.name}.py"
            module = types.ModuleType(self.name)
            module.__file__ = str(path)
            # Tracebacks still show the lines after the folder has been moved to its place.
            linecache.cache[str(path)] = (len(self.source), None, self.source.splitlines(True), str(path))
            sys.modules[self.name] = module
            try:
                with _cache_beside_source():
                    # Numba knows machine code by the byte code, which `python -O` would make another.
                    exec(compile(self.source, str(path), "exec", optimize=0), module.__dict__)
            except BaseException:
                sys.modules.pop(self.name, None)
                raise
            return module

    def _compile(self) -> None:
        """Compile or load the functions named in the description."""
        from numba.core.caching import NullCache
        from numba.core.dispatcher import Dispatcher

        from symbp.runtime.numba_cache import load_machine_code

        missed = 0
        for name, arguments in self.meta["compile"].items():
            signature = types_of(arguments)
            dispatcher = getattr(self.module, name)
            if self.from_disk and load_machine_code(dispatcher, signature):
                continue
            dispatcher.compile(signature)
            missed += sum(dispatcher.stats.cache_misses.values())
        for value in vars(self.module).values():
            if isinstance(value, Dispatcher):
                # Signatures that appear later stay in memory: the folder is sealed by its manifest.
                value._cache = NullCache()  # type: ignore[attr-defined]
        if missed and self.from_disk:
            sys.modules.pop(self.name, None)
            raise ValueError("the machine code does not fit this process")


@contextlib.contextmanager
def _cache_beside_source() -> Iterator[None]:
    """Make Numba keep machine code in `__pycache__` beside the module, where the manifest covers it."""
    from numba.core import config

    kept = getattr(config, "CACHE_DIR", "")
    setattr(config, "CACHE_DIR", "")  # noqa: B010
    try:
        yield
    finally:
        setattr(config, "CACHE_DIR", kept)  # noqa: B010


def types_of(arguments: Iterable[Sequence[Any]]) -> tuple[Any, ...]:
    """Numba's types of arguments, from a description."""
    return tuple(_type(dtype, ndim) for dtype, ndim in arguments)


def _type(dtype: str, ndim: int) -> Any:
    import numba

    scalar = numba.from_dtype(numpy.dtype(dtype))
    return numba.types.Array(scalar, ndim, "C") if ndim else scalar
