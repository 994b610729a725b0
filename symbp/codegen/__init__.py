"""From kernels to the text of an importable Numba module."""

from symbp.codegen.module import emit

__all__ = ["emit"]
