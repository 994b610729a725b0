"""Kernels as the text of one importable module."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from math import prod

from symbp.codegen import parts, support
from symbp.codegen.access import Reader
from symbp.codegen.block import Block
from symbp.codegen.driver import Driver
from symbp.codegen.names import RESERVED, Namer, comment
from symbp.codegen.nest import NestWriter
from symbp.codegen.own_source import own_source
from symbp.codegen.pointwise import OWN_NAMES as LOCKSTEP_NAMES
from symbp.codegen.pointwise import PointwiseDriver, Straight, straight
from symbp.codegen.pointwise import sources as lockstep_sources
from symbp.codegen.product import ONES, OWN_NAMES, Part, crew_functions, micro_kernels, multiply_lines
from symbp.codegen.reorder import reorderable
from symbp.codegen.scatter import ScatterWriter
from symbp.codegen.shared import SharedDriver
from symbp.codegen.text import equation
from symbp.codegen.vector import sources as vector
from symbp.ir.nodes import Tensor
from symbp.schedule.kernel import Kernel
from symbp.schedule.looptree import SCATTER, Nest, Schedule
from symbp.schedule.memory import plan_kernel

MOST_EQUATIONS = 40
MOST_WRITTEN_OUT = 30
"""Arguments of functions that Numba writes out where they are called."""
HELPERS = {
    "max": ("maximum",),
    "min": ("minimum",),
    "accumulate": ("accumulate",),
    "accumulate_product": ("accumulate_product",),
    "fma": ("fma",),
    "sign": ("sign",),
    "loggamma": ("log_gamma",),
    "digamma": ("digamma",),
    "polygamma": ("cotangent_derivative", "polygamma"),
}
"""Function in a body -> the functions of `support` it needs, in order."""

BLOCK_SUPPORT = (
    "make_block",
    "lower_block",
    "run_pieces",
    "line_operands",
    "run_lines",
    "block_operation",
    "llvm_function",
    "block_call",
    "wide_function",
)
MULTIPLICATIONS = ("multiply", "multiply_turned", "multiply_large")
LOCKSTEP_SUPPORT = ("line_operands", "block_operation", "llvm_function", "block_call", "wide_function")

OWN = {n for n in dir(support) if not n.startswith("__")} | vector.TAKEN
OWN |= OWN_NAMES | LOCKSTEP_NAMES | parts.NAMES
"""Names of functions and tables that a module may carry."""

OFFSETS = """\
# Offsets are passed as at(k): a function is compiled anew for every literal integer.
at = np.intp"""


class Module:
    """Collects the parts of a module while kernels are written."""

    def __init__(self, kernels: Sequence[Kernel]):
        self.namer = Namer(RESERVED | OWN)
        self.functions = [self.namer(f"{k.name}{end}") for k in kernels for end in ("", "_into", "_batch")]
        self.names: dict[str, str] = {}
        for kernel in kernels:
            for name in kernel.program.tensors:
                if name not in self.names:
                    self.names[name] = self.namer(name)
        self.nests: dict[tuple, str] = {}
        self.blocks: dict[tuple[str, bool], str] = {}
        self.straights: list[tuple[Straight, bool]] = []
        self.checks: list[tuple[tuple, tuple]] = []
        self.called: set[str] = set()
        self.parallel = any(k.parallel for k in kernels)
        self.counting: set[str] = set()
        self.parts: list[str] = []
        self.constants: dict[tuple[str, str], tuple[str, str]] = {}
        self.single = any(k.dtype == "float32" for k in kernels)
        self.locals: dict[str, str] = {}

    def local(self, text: str) -> str:
        """A name for a local variable of kernels: the same for the same text, free everywhere."""
        if text not in self.locals:
            self.locals[text] = self.namer(text)
        return self.locals[text]

    # Constants

    def constant(self, tensor: Tensor, dtype: str) -> str:
        """The name of the module-level array that holds a constant tensor."""
        key = (repr(tensor.values), dtype)
        if key not in self.constants:
            name = self.names[tensor.name]
            if any(name == known for known, _ in self.constants.values()):
                name = self.namer(name)
            values = ", ".join(repr(float(v)) for v in tensor.values or ())
            values = re.sub(r"\b(inf|nan)\b", r"np.\1", values)
            self.constants[key] = (name, f"{name} = np.array([{values}], np.{dtype})")
        return self.constants[key][0]

    # Nests

    def multiply(self, nest: Nest, schedule: Schedule, driver: Driver, part: Part | None = None) -> list[str]:
        """The calls that compute matrix products, or a part of them; see `multiply_lines`."""
        alone = bool(driver.summed)
        return multiply_lines(
            nest.statements[0], schedule, driver.place, self.local, driver.single, alone, part
        )

    def inlined(self, nest: Nest, schedule: Schedule, driver: Driver) -> tuple[list[str], list[str]] | None:
        """Views and loops of a nest, to stand in the kernel's own function; None where they are too many.

        Numba compiles a function of its own, and then again as a part of what calls it.
        """
        taken = RESERVED | OWN | set(self.names.values()) | set(self.locals.values())
        reader = Reader(nest.statements, schedule, driver.view_names, Namer(taken), driver.entry_names)
        if reader.baked:
            return None
        writer = self._written(nest, schedule, reader, driver.single, ordered=True)
        views = []
        for tensor in reader.tensors:
            name = reader.tensor_name(tensor)
            views.append(_view(name, *driver.place(tensor), reader.shape(tensor)))
        return views, writer.lines

    def key(self, nest: Nest, schedule: Schedule, tiled: bool, single: bool) -> tuple:
        """The text of a nest without its names; empty where addresses are part of the text."""
        plain = Reader(nest.statements, schedule, self.names, self._nest_namer(Namer))
        if plain.baked:
            return ()
        names = {t: f"c{k}" for k, t in enumerate(plain.tensors)}
        canonical = Reader(nest.statements, schedule, names, self._nest_namer(_Canonical))
        writer = self._written(nest, schedule, canonical, single)
        parameters, views = self._header(canonical, writer.lines, tiled)
        return (single, *parameters, *views, *writer.lines)

    def call(self, nest: Nest, key: tuple, schedule: Schedule, tiled: bool, driver: Driver) -> str:
        """Text of the call that runs a nest; its function is written where its key is new."""
        single = driver.single
        plain = Reader(nest.statements, schedule, self.names, self._nest_namer(Namer))
        if not key or key not in self.nests:
            writer = self._written(nest, schedule, plain, single)
            self._function(nest, schedule, plain, writer, tiled, key)
        name = self.nests[key]
        return f"{name}({', '.join(self._arguments(plain, name, tiled, driver))})"

    def _nest_namer(self, kind: Callable[..., Namer]) -> Namer:
        return kind(RESERVED | OWN)

    def _written(
        self, nest: Nest, schedule: Schedule, reader: Reader, single: bool, ordered: bool | None = None
    ) -> NestWriter:
        for tensor in reader.tensors:
            reader.tensor_name(tensor)
        kind = ScatterWriter if nest.form == SCATTER else NestWriter
        writer = kind(nest, schedule, reader, lambda b: self.block(b, single), single, ordered)
        writer.write()
        self.called |= writer.called
        return writer

    def block(self, block: Block, single: bool) -> str:
        """The name of the intrinsic that runs a block."""
        return self.blocks.setdefault((block.text, single), f"_block_{len(self.blocks) + 1}")

    def lockstep(self, found: Straight, single: bool) -> tuple[str, str, str]:
        """The names of the intrinsic that runs a straight line, of the entries that its workspace needs, and
        of the intrinsic that runs it for one sample.
        """
        if (found, single) not in self.straights:
            self.straights.append((found, single))
        number = self.straights.index((found, single)) + 1
        return f"_lockstep_{number}", f"_room_{number}", f"_point_{number}"

    def row_check(self, inputs: tuple, results: tuple) -> str:
        """The name of the intrinsic that checks the shapes of the arrays of a straight line."""
        self.checks.append((inputs, results))
        return f"_check_{len(self.checks)}"

    def _header(self, reader: Reader, lines: list[str], tiled: bool) -> tuple[list[str], list[str]]:
        """Parameters of the function of a nest, and the lines that make its views."""
        ends = (["rows"] if tiled else []) + (["samples"] if _uses(lines, "samples") else [])
        if reader.baked:
            return [*map(reader.buffer_name, reader.buffers()), *(["start"] if tiled else []), *ends], []
        parameters, views = [], []
        for tensor in reader.tensors:
            name = reader.tensor_name(tensor)
            parameters += [f"{name}_in", f"{name}_at"]
            views.append(_view(name, f"{name}_in", f"{name}_at", reader.shape(tensor)))
        return parameters + ends, views

    def _function(
        self, nest: Nest, schedule: Schedule, reader: Reader, writer: NestWriter, tiled: bool, key: tuple
    ) -> None:
        targets = [self.names[s.target] for s in nest.statements if s.target in schedule.places]
        name = self.namer("compute_" + "_".join(targets[:3]))
        self.nests[key] = name
        if _uses(writer.lines, "samples"):
            self.counting.add(name)
        parameters, views = self._header(reader, writer.lines, tiled)
        free = any(s.bound for s in nest.statements) and reorderable(nest)
        flags = ', fastmath={"reassoc", "contract"}' if free else ""
        # Calls with more arguments become calls with *args, which Numba does not write out.
        if writer.longest > support.BLOCK_PIECE and not flags and len(parameters) <= MOST_WRITTEN_OUT:
            # Numba generates machine code for a function and again for each of its callers.
            flags = ', inline="always"'
        equations = [equation(s) for s in nest.statements[:MOST_EQUATIONS]]
        if len(nest.statements) > MOST_EQUATIONS:
            equations.append(f"... and {len(nest.statements) - MOST_EQUATIONS} more")
        body = [f"# {e}" for e in equations] + views + writer.lines
        text = f'@njit(nogil=True, error_model="numpy"{flags})\ndef {name}({", ".join(parameters)}):\n'
        self.parts.append(text + "\n".join("    " + line for line in body))

    def _arguments(self, reader: Reader, name: str, tiled: bool, driver: Driver) -> list[str]:
        ends = (["rows"] if tiled else []) + (["samples"] if name in self.counting else [])
        if reader.baked:
            buffers = [driver.flat_buffer(b) for b in reader.buffers()]
            return [*buffers, *(["start"] if tiled else []), *ends]
        return [text for tensor in reader.tensors for text in driver.place(tensor)] + ends

    # The whole

    def text(self, title: str, kernels: Sequence[Kernel]) -> str:
        """The finished module."""
        views = any(re.search(r"\bview\(", part) for part in self.parts)
        texts = ["f32 = np.float32"] if self.single else []
        texts += [OFFSETS] if views else []
        texts += [_parameters(kernels), *(line for _, line in self.constants.values())]
        if any(f"({ONES}, " in part or f", {ONES}, " in part for part in self.parts):
            texts.append(f"{ONES} = np.ones(1, np.{kernels[0].dtype})")
        texts += vector.sources("power" if name == "pow" else name for name in self.called)
        texts += self._support(views)
        for (text, single), name in self.blocks.items():
            texts.append(f'{name} = make_block(\n    """\\\n{text}""",\n    {single},\n)')
        for k, (found, single) in enumerate(self.straights, start=1):
            texts.append(
                f'_straight_{k} = (\n    """\\\n{found.text}""",\n    {found.inputs},\n'
                f"    {found.results},\n    {found.constants},\n    {single},\n)\n"
                f"_lockstep_{k}, _room_{k} = lockstep(*_straight_{k})"
            )
            if any(_uses(part.splitlines(), f"_point_{k}") for part in self.parts):
                texts[-1] += f"\n_point_{k} = point(*_straight_{k})"
        for k, (inputs, results) in enumerate(self.checks, start=1):
            texts.append(f"_check_{k} = row_check(\n    {inputs},\n    {results},\n)")
        body = "\n\n".join(texts) + "\n\n\n" + "\n\n\n".join(self.parts) + "\n"
        return f"{self._docstring(title, kernels)}\n\n{imports(body)}\n\n{body}"

    def _support(self, views: bool) -> list[str]:
        """Sources of the support functions that are used."""
        names = ["view"] if views else []
        names += ["room"] if any(" room(" in part for part in self.parts) else []
        names += ["keep"] if any(" keep(" in part for part in self.parts) else []
        names += ["opaque"] if any("(opaque(" in part for part in self.parts) else []
        orders = sorted({int(c[11:]) for c in self.called if c.startswith("_polygamma_")})
        wanted = self.called | ({"polygamma"} if orders else set())
        for function, needs in HELPERS.items():
            names += [n for n in needs if n not in names] if function in wanted else ()
        names += BLOCK_SUPPORT if self.blocks else ()
        names += [n for n in LOCKSTEP_SUPPORT if n not in names] if self.straights else ()
        limits = [f"{name} = {getattr(support, name)}" for name in ("BLOCK_PIECE", "MOST_INLINED")]
        texts = ["\n".join(limits)] if self.blocks or self.straights else []
        if orders:
            texts.append(f"BERNOULLI = {support.BERNOULLI!r}")
        kinds = [any(f" {name}(" in part for part in self.parts) for name in MULTIPLICATIONS]
        if any(kinds):
            texts += micro_kernels(*kinds)
        if self.parallel:
            texts += crew_functions(any("note_range(" in part for part in self.parts))
        texts += parts.sources() if any("add_parts(" in part for part in self.parts) else []
        for name in names:
            item = getattr(support, name)
            texts.append(own_source(item))
        points = any("_point_" in part for part in self.parts)
        texts += lockstep_sources(points) if self.straights else []
        for n in orders:
            texts.append(f'@njit(error_model="numpy")\ndef _polygamma_{n}(x):\n    return polygamma({n}, x)')
        return texts

    def _docstring(self, title: str, kernels: Sequence[Kernel]) -> str:
        lines = [comment(title or "Numba kernels compiled from equations.")]
        for kernel in kernels:
            lines += ["", f"{comment(kernel.name)} ({kernel.dtype}):", ""]
            statements = kernel.program.statements
            lines += ["    " + equation(s) for s in statements[:MOST_EQUATIONS]]
            if len(statements) > MOST_EQUATIONS:
                lines.append(f"    ... and {len(statements) - MOST_EQUATIONS} more")
        return '"""' + "\n".join(lines) + '\n"""'


class _Canonical(Namer):
    """Names that do not depend on what things are called."""

    def __call__(self, text: str) -> str:
        return super().__call__("c")


IMPORTS = (
    (r"math\.", "import math"),
    (r"operator\.", "import operator"),
    (r"os\.", "import os"),
    (r"platform\.", "import platform"),
    (r"sys\.", "import sys"),
    (r"zlib\.", "import zlib"),
    (r"contextmanager\b", "from contextlib import contextmanager"),
    (r"groupby\b", "from itertools import groupby"),
    ("", ""),
    (r"llvm\.", "import llvmlite.binding as llvm"),
    (r"np\.", "import numpy as np"),
    (r"ir\.", "from llvmlite import ir"),
    (r"types\.", "from numba import njit, types"),
    (r"njit\b", "from numba import njit"),
    (r"TypingError\(", "from numba.core.errors import TypingError"),
    (r"impl_ret_new_ref\(", "from numba.core.imputils import impl_ret_new_ref"),
    (r"signature\(", "from numba.core.typing import signature"),
    (r"intrinsic\b", "from numba.extending import intrinsic"),
)
"""What a text that matches a pattern imports, in the order of the lines."""


def imports(body: str) -> str:
    """The import lines of a generated text."""
    # Most words are not there at all, which is found sooner than where one of them is not a part of another.
    there = [(p, line) for p, line in IMPORTS if p.replace("\\b", "").replace("\\", "") in body]
    lines = [line for pattern, line in there if re.search(rf"(?<![\w.]){pattern}", body)]
    if {"from numba import njit, types", "from numba import njit"} <= {*lines}:
        lines.remove("from numba import njit")
    return "\n".join(lines).strip()


def _uses(lines: list[str], name: str) -> bool:
    return any(name in line and re.search(rf"\b{name}\b", line) for line in lines)


def _view(name: str, buffer: str, offset: str, shape: tuple[str, ...]) -> str:
    """A line that names the part of a flat buffer a tensor lives in."""
    return f"{name} = view({buffer}, {offset}, ({', '.join(shape)}{',' if len(shape) == 1 else ''}))"


def _parameters(kernels: Sequence[Kernel]) -> str:
    """The literal that tells where every parameter lives in theta."""
    offset, entries = 0, []
    kernel = max(kernels, key=lambda k: len(k.parameters), default=None)
    for name in kernel.parameters if kernel else ():
        shape = kernel.program.tensors[name].shape  # type: ignore[union-attr]
        entries.append(f"    {name!a}: ({offset}, {tuple(map(int, shape))}),")
        offset += prod(shape)
    return "PARAMETERS = {\n" + "\n".join(entries) + "\n}" if entries else "PARAMETERS: dict = {}"


def emit(kernels: Sequence[Kernel], title: str = "", plans: Sequence[Straight | Schedule] = ()) -> str:
    """The text of one importable module with the functions of all kernels.

    Per kernel: `NAME_into([theta], *inputs, *results, [gradient])` writes results, and
    `NAME([theta], *inputs)` (`NAME_batch` where `point`) allocates and returns them as a tuple;
    where `point`, `NAME` takes one sample.

    Args:
        plans: of each kernel, see `symbp.codegen.pointwise.straight` and `symbp.schedule.memory`, where they
            are known already.
    """
    plans = plans or [straight(kernel) or plan_kernel(kernel) for kernel in kernels]
    # Schedules have other statements, and tensors of their own.
    planned = [
        replace(k, program=p.program) if isinstance(p, Schedule) else k
        for k, p in zip(kernels, plans, strict=True)
    ]
    module = Module(planned)
    for kernel, plan in zip(planned, plans, strict=True):
        if isinstance(plan, Straight):
            PointwiseDriver(kernel, plan, module).write()
        else:
            (SharedDriver if kernel.parallel else Driver)(kernel, plan, module).write()
    return module.text(title, kernels)
