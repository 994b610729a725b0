"""Parts: what intrinsics of a text write as LLVM modules of their own."""

from __future__ import annotations

from dataclasses import dataclass

import llvmlite.binding as llvm


@dataclass
class Part:
    """A function over lanes as an LLVM module, to be a part of the module of those that call it.

    The methods are called as Numba calls them: in its terms this is a code library, and the class is what
    makes libraries, by which intrinsics know again those that they have written.
    """

    text: str | None = None

    @classmethod
    def create_library(cls, name: str) -> Part:
        return cls()

    def add_llvm_module(self, text: str) -> None:
        """Take a module, the text of it: see `symbp.machine.host.Llvm`."""
        self.text = text

    def finalize(self) -> None:
        """Nothing: it is optimised as a part of what uses it."""

    def parsed(self) -> llvm.ModuleRef:
        assert self.text is not None
        return llvm.parse_assembly(self.text)
