"""What is asked of LLVM while another thread may have it compile.

llvmlite lets one thread at a time into LLVM: who asks there for the name of the processor waits for all that
is being compiled. So what does not change is asked once.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import llvmlite.binding as llvm


@cache
def triple() -> str:
    """LLVM's name of the kind of machine and system."""
    return llvm.get_process_triple()


@cache
def processor_name() -> str:
    return llvm.get_host_cpu_name()


def processor_features() -> llvm.FeatureMap:
    """Whether this processor has each of the features that LLVM knows."""
    return llvm.FeatureMap(_features())


@cache
def _features() -> llvm.FeatureMap:
    return llvm.get_host_cpu_features()


@cache
def initialise() -> None:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()


class Llvm:
    """LLVM in the hands of generated modules, whose intrinsics write text for it.

    Nothing but that waits for others: texts are parsed when all are written.
    """

    get_process_triple = staticmethod(triple)
    get_host_cpu_features = staticmethod(processor_features)
    initialize_native_target = staticmethod(initialise)

    @staticmethod
    def parse_assembly(text: str) -> str:
        return text

    def __getattr__(self, name: str) -> Any:
        return getattr(llvm, name)
