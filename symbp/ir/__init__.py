"""Programs in index notation: nodes, walks, checker, printer, interpreter."""

from symbp.ir.check import InvalidProgram, check
from symbp.ir.evaluate import evaluate
from symbp.ir.nodes import BATCH, Access, Index, Program, Statement, Tensor
from symbp.ir.text import program_text

__all__ = [
    "BATCH",
    "Access",
    "Index",
    "InvalidProgram",
    "Program",
    "Statement",
    "Tensor",
    "check",
    "evaluate",
    "program_text",
]
