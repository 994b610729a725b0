"""Optimised machine code of an LLVM module, and its functions in this process."""

from __future__ import annotations

import ctypes
import os
import platform
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import llvmlite.binding as llvm

from symbp.machine.convention import FREE, NEW
from symbp.machine.host import initialise, processor_features, processor_name, triple


def machine_code(module: llvm.ModuleRef) -> bytes:
    """The object file of a module, for the processor of this machine, after LLVM's passes."""
    target = _target()
    module.data_layout = str(target.target_data)
    # Level 3 takes longer for the same code; loops that are to be unrolled are marked.
    tuning = llvm.create_pipeline_tuning_options(speed_level=2)
    tuning.loop_vectorization, tuning.loop_unrolling, tuning.slp_vectorization = True, False, False
    builder = llvm.create_pass_builder(target, tuning)
    builder.getModulePassManager().run(module, builder)
    return target.emit_object(module)


def as_written(module: llvm.ModuleRef) -> Callable[[], bytes]:
    """What makes the object file of a module without LLVM's passes, in one call of LLVM.

    A thread that has more to do than that waits for Python's lock before each call.
    """
    target = _target()
    module.data_layout = str(target.target_data)
    return lambda: target.emit_object(module)


def _target() -> Any:
    """LLVM's writer of code for a processor."""
    initialise()
    name, features = processor()
    # Code that may be anywhere would look for every constant in two steps; loaded code stays where it is.
    reloc = "static" if platform.machine().lower() in ("x86_64", "amd64", "i386") else "default"
    return llvm.Target.from_triple(triple()).create_target_machine(
        cpu=name, features=features, opt=3, reloc=reloc, codemodel="jitdefault", jit=True
    )


def processor() -> tuple[str, str]:
    """What code is written for: this machine's processor, or the one that Numba is told, and its features."""
    name = os.environ.get("NUMBA_CPU_NAME") or processor_name()
    features = os.environ.get("NUMBA_CPU_FEATURES")
    if features is None:
        known = processor_features()
        if os.environ.get("NUMBA_ENABLE_AVX") == "0":
            known.update((name, False) for name in known if name.startswith("avx"))
        features = known.flatten()
    return name, features


def process_has(name: str) -> bool:
    """Whether machine code finds a function of this name in the process."""
    _search_process()
    return llvm.address_of_symbol(name) is not None


@lru_cache(maxsize=1)
def _search_process() -> None:
    """LLVM looks for names among those of the process from the first engine on."""
    llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target())


class Loaded:
    """The functions of object files that may call each other; they live as long as this."""

    def __init__(self, *codes: bytes):
        _add_memory()
        self._engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target())
        for code in codes:
            self._engine.add_object_file(llvm.ObjectFileRef.from_data(code))
        self._engine.finalize_object()

    def address(self, name: str) -> int:
        return self._engine.get_function_address(name)


@lru_cache(maxsize=1)
def _add_memory() -> None:
    """Tell LLVM where memory comes from: from Python's functions for those who do not hold its lock."""
    for name, function in ((NEW, "PyMem_RawMalloc"), (FREE, "PyMem_RawFree")):
        address = ctypes.cast(getattr(ctypes.pythonapi, function), ctypes.c_void_p).value
        llvm.add_symbol(name, address)
