"""The functions of one kernel: what allocates, loops over tiles and calls the nests."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from symbp.codegen.parts import Parts
from symbp.codegen.rolled import MANY, groups, rolled
from symbp.codegen.text import equation
from symbp.ir.nodes import Tensor
from symbp.ir.walk import accesses
from symbp.schedule.kernel import Kernel
from symbp.schedule.looptree import MULTIPLY, SCATTER, Nest, Schedule, Stage, sums_batch
from symbp.schedule.memory import ALIGN
from symbp.schedule.parts import MOST_NESTS

if TYPE_CHECKING:
    from symbp.codegen.module import Module

FEW = 3
"""Equations that are written above a call; and nests that are alike and written out all the same."""

HEADER = '@njit(nogil=True, error_model="numpy", cache=True)'


class Driver:
    """Writes `NAME_into`, `NAME` and, for points, `NAME_batch`."""

    def __init__(self, kernel: Kernel, schedule: Schedule, module: Module):
        assert len({*kernel.results}) == len(kernel.results), "a result twice"
        assert len({*kernel.gradient}) == len(kernel.gradient), "a gradient entry twice"
        tensors = kernel.program.tensors
        assert all(tensors[n].role == "defined" for n in kernel.gradient), "a gradient without statement"
        self.kernel = kernel
        self.schedule = schedule
        self.module = module
        self.single = kernel.dtype == "float32"
        self.tensors = tensors
        self.buffers = {"theta": "theta", "gradient": "gradient", "work": "work", "tile": "work"}
        self.flat: dict[str, str] = dict(self.buffers)
        self.inputs = {n: module.names[n] for n in kernel.inputs}
        self.results = {
            n: module.local(f"{module.names[n]}_out") if n in self.inputs else module.names[n]
            for n in kernel.results
        }
        # Views of what has a name already: arguments and constants of the module.
        named = [*kernel.inputs, *kernel.results, *(t.name for t in tensors.values() if t.role == "constant")]
        self.entry_names = {n: module.local(f"{module.names[n]}_entries") for n in tensors}
        self.view_names = {**module.names, **{n: module.local(f"{module.names[n]}_view") for n in named}}
        self.length = next((self.inputs[n] for n in kernel.inputs if tensors[n].batched), None)
        self.parts = Parts(schedule, tensors)
        self.functions = 0
        self.shifted = False
        self.summed: frozenset[str] = frozenset()  # what is summed up in a part, while its tile is written

    def buffer(self, buffer: str) -> str:
        """The variable or module-level name of a buffer."""
        kind, _, name = buffer.partition(":")
        if kind == "constant":
            return self.module.constant(self.tensors[name], self.kernel.dtype)
        return self.buffers[buffer]

    def flat_buffer(self, buffer: str) -> str:
        """The same as an array with one axis."""
        return self.flat.get(buffer) or self.buffer(buffer)

    def place(self, tensor: str) -> tuple[str, str]:
        """The variable that holds the buffer of a tensor, and where its first row begins there."""
        place, size = self.schedule.places[tensor], self.tensors[tensor].row_size
        if tensor in self.summed:
            place = self.schedule.parts[tensor]
            return place.buffer, f"at({place.offset})"
        if place.streamed:
            return self.buffer(place.buffer), "start" if size == 1 else f"start*{size}"
        shift = f" + base*{size}" if self.shifted and self.tensors[tensor].batched else ""
        return self.buffer(place.buffer), f"at({place.offset}){shift}"

    # NAME_into

    def write(self) -> None:
        """Append all functions of the kernel to the module."""
        k = self.kernel
        start = self._start()
        self._count_nests()
        lines = [line for stage in self.schedule.stages for line in self._stage(stage)] + self._copies()
        # Arrays with one axis are needed where addresses are part of the text.
        known = 1 if self.length else 0  # the number of samples
        lines = [*start[:known], *self._checks(), *start[known:], *self._flats_used(lines), *lines]
        lines += [f"keep({v})" for b, v in self.buffers.items() if b.startswith("long:")]
        lines += ["keep(work)"] if self.schedule.workspace else []
        self._into_function(lines)
        self._allocating(f"{k.name}_batch" if k.point else k.name)
        if k.point:
            self._point()

    def _into_function(self, lines: list[str], *more: str) -> None:
        arguments = [
            *self._given(),
            *self.results.values(),
            *["gradient"] * bool(self.kernel.gradient),
            *more,
        ]
        doc = "Writes all results into the last arguments."
        self._append(f"{self.kernel.name}_into", arguments, lines or ["pass"], doc)

    def _flats_used(self, lines: list[str]) -> list[str]:
        """Lines that define the arrays with one axis that some lines read."""
        text = "\n".join(lines)
        return [line for name, line in self._flats.items() if re.search(rf"\b{name}\b", text)]

    def _given(self) -> list[str]:
        return (["theta"] if self.kernel.parameters else []) + list(self.inputs.values())

    def _append(self, name: str, arguments: list[str], lines: list[str], doc: str) -> None:
        text = f'{HEADER}\ndef {name}({", ".join(arguments)}):\n    """{doc}"""\n'
        self.module.parts.append(text + "\n".join("    " + line for line in lines))

    def _start(self) -> list[str]:
        lines = [f"samples = {self.length}.shape[0]"] if self.length else []
        self._flats: dict[str, str] = {}
        for kind, names in (("input", self.inputs), ("result", self.results)):
            for name, variable in names.items():
                self.buffers[f"{kind}:{name}"] = self.flat[f"{kind}:{name}"] = variable
                if len(self.tensors[name].shape) > 1:
                    flat = self.flat[f"{kind}:{name}"] = self.module.local(f"{variable}_flat")
                    self._flats[flat] = f"{flat} = view({variable}, at(0), ({variable}.size,))"
        kind = "f32(0.0)" if self.single else "0.0"
        if self.schedule.workspace and not self.kernel.parallel:
            lines.append(f"work = room({self.schedule.workspace}, {kind})")
        for name in self.schedule.long:
            variable = self.buffers[f"long:{name}"] = self.flat[f"long:{name}"] = self.module.local(
                f"{self.module.names[name]}_all"
            )
            if not self.kernel.parallel:
                lines.append(f"{variable} = room(samples*{self.tensors[name].row_size}, {kind})")
        return lines

    def _stage(self, stage: Stage) -> list[str]:
        if not stage.tiled:
            return self._cut(self._texts(stage.nests, False), False)
        if self.schedule.parts:
            lines = [*self.parts.arrays(), *self._in_part(stage), *self.parts.added(stage, self.flat_buffer)]
            size, defined = self.parts.tile()
            return [*defined, *self._tiled(lines, size)]
        lines = self._cut(self._texts(stage.nests, True), True)
        return [*self._fills(stage.nests), *self._tiled(lines, self.schedule.tile)]

    def _tiled(self, lines: list[str], count: int | str) -> list[str]:
        """Lines for so many samples at a time, a number or what a variable says."""
        if isinstance(count, int):
            loop = [f"for start in range(0, samples, {count}):"]
        else:
            loop = [f"for turn in range((samples + {count} - 1)//({count})):", f"    start = turn*({count})"]
        return [*loop, f"    rows = min({count}, samples - start)", *("    " + line for line in lines)]

    def _texts(self, nests: list[Nest], tiled: bool) -> list[list[str]]:
        seen: set[str] = set()
        return [self._explained(nest, self._nest(nest, tiled, seen)) for nest in nests]

    def _in_part(self, stage: Stage) -> list[str]:
        """The nests of a tile, with their sums over the samples in a part."""
        self.summed = frozenset(s.target for nest in stage.nests for s in nest.statements if sums_batch(s))
        lines = self._cut(self._texts(stage.nests, True), True, self.parts.names())
        self.summed = frozenset()
        return [*self.parts.fills(stage), *lines]

    def _explained(self, nest: Nest, lines: list[str]) -> list[str]:
        """Lines below the equations they compute; a function that is called has its equations itself."""
        most = len(nest.statements) if len(lines) > 1 else FEW
        what = [f"# {equation(s)}" for s in nest.statements[:most]]
        more = len(nest.statements) - most
        return [*what, *([f"# ... and {more} more"] if more > 0 else []), *lines]

    def _nest(self, nest: Nest, tiled: bool, seen: set[str]) -> list[str]:
        """What runs a nest: a matrix product, loops, or a call of a function that has them.

        Args:
            seen: lines that name views and hold already; new ones are added.
        """
        if nest.form == MULTIPLY:
            return self.module.multiply(nest, self.schedule, self)
        key = self._keys[id(nest)]
        if self._may_inline and self._uses[key] <= FEW:
            found = self.module.inlined(nest, self.schedule, self)
            if found is not None:
                views, lines = found
                new = [v for v in views if v not in seen]
                seen.update(new)
                return [*new, *lines]
        return [self.module.call(nest, key, self.schedule, tiled, self)]

    def _whole(self) -> list[str]:
        """The variables that hold the buffers of the schedule."""
        names = ["theta"] * bool(self.kernel.parameters) + ["gradient"] * bool(self.kernel.gradient)
        names += [v for b, v in self.buffers.items() if ":" in b]
        return names + ["work"] * bool(self.schedule.workspace)

    def _count_nests(self) -> None:
        """Nests that are alike share a function; in small kernels the others are written in place."""
        loops = [
            (nest, stage.tiled)
            for stage in self.schedule.stages
            for nest in stage.nests
            if nest.form != MULTIPLY
        ]
        self._keys = {id(n): self.module.key(n, self.schedule, tiled, self.single) for n, tiled in loops}
        self._uses = Counter(self._keys.values())
        # Longer stages are cut into functions, which do not see each other's views.
        self._may_inline = all(len(stage.nests) <= MOST_NESTS for stage in self.schedule.stages)

    def _cut(self, calls: list[list[str]], tiled: bool, more: Sequence[str] = ()) -> list[str]:
        """The calls themselves, in loops where many repeat, or calls of functions of at most 40 of them.

        Args:
            more: variables that they need besides.
        """
        if len(calls) <= MOST_NESTS:
            return [line for call in calls for line in call]
        pieces = rolled(calls, self.module.local("step") if len(calls) > MANY else "")
        if sum(piece.calls for piece in pieces) <= MOST_NESTS:
            return [line for piece in pieces for line in piece.lines]
        arguments = [*self._whole(), *self._flats, *more]
        arguments += ["tile"] if self.buffers["tile"] == "tile" else []
        arguments += ["samples"] if self.length else []
        arguments += ["start", "rows"] if tiled else []
        lines = []
        for part in groups(pieces, MOST_NESTS):
            self.functions += 1
            name = self.module.namer(f"{self.kernel.name}_part_{self.functions}")
            body = [line for piece in part for line in piece.lines]
            text = f'@njit(nogil=True, error_model="numpy")\ndef {name}({", ".join(arguments)}):\n'
            self.module.parts.append(text + "\n".join("    " + line for line in body))
            lines.append(f"{name}({', '.join(arguments)})")
        return lines

    def _fills(self, nests: list[Nest]) -> list[str]:
        """Neutral elements for what is summed over the batch, neighbours in one line."""
        spans = []
        for s in (s for nest in nests if nest.form != MULTIPLY for s in nest.statements if sums_batch(s)):
            place = self.schedule.places[s.target]
            value = "-np.inf" if s.reduce == "max" else "0.0"
            spans.append([place.buffer, value, place.offset, place.offset + self.tensors[s.target].row_size])
        merged: list[list] = []
        for span in sorted(spans):
            last = merged[-1] if merged else None
            # Gaps inside the workspace are alignment only.
            gap = ALIGN if span[0] == "work" else 1
            if last and last[:2] == span[:2] and span[2] - last[3] < gap:
                last[3] = span[3]
            else:
                merged.append(span)
        return [f"{self.flat_buffer(b)}[{low}:{high}] = {value}" for b, value, low, high in merged]

    def _copies(self) -> list[str]:
        """Results that are computed elsewhere: in the gradient vector, or not at all."""
        lines = []
        for name in self.results:
            place = self.schedule.places[name]
            if place.buffer != f"result:{name}":
                end = "" if place.streamed else f"{place.offset}:{place.offset + self.tensors[name].row_size}"
                source = f"{self.flat_buffer(place.buffer)}[{end or ':'}]"
                lines.append(f"{self.flat[f'result:{name}']}[:] = {source}")
        return lines

    # The functions that allocate

    def _shape(self, tensor: Tensor, samples: str) -> str:
        sizes = ([samples] if tensor.batched else []) + [str(n) for n in tensor.row_shape]
        return sizes[0] if len(sizes) == 1 else f"({', '.join(sizes)})" if sizes else "1"

    def _allocations(self, samples: str) -> list[str]:
        dtype = f"np.{self.kernel.dtype}"
        lines = [
            f"{variable} = np.empty({self._shape(self.tensors[name], samples)}, {dtype})"
            for name, variable in self.results.items()
        ]
        if self.kernel.gradient:
            size = sum(self.tensors[n].row_size for n in self.kernel.gradient)
            lines.append(f"gradient = np.empty({size}, {dtype})")
        return lines

    def _returned(self, point: bool) -> str:
        texts = []
        for name, variable in self.results.items():
            t = self.tensors[name]
            first = not t.shape or (point and t.batched)
            texts.append(f"{variable}[0]" if first else variable)
        texts += ["gradient"] if self.kernel.gradient else []
        return f"return ({', '.join(texts)}{',' if len(texts) == 1 else ''})"

    def _into(self, given: list[str]) -> str:
        arguments = [*given, *self.results.values(), *(["gradient"] if self.kernel.gradient else [])]
        return f"{self.kernel.name}_into({', '.join(arguments)})"

    def _allocating(self, name: str) -> None:
        lines = [f"samples = {self.length}.shape[0]"] if self.length else []
        lines += [
            *self._label_checks(self.inputs),
            *self._allocations("samples"),
            self._into(self._given()),
            self._returned(False),
        ]
        self._append(name, self._given(), lines, "Allocates the results and returns them as a tuple.")

    def _checks(self) -> list[str]:
        """Refuse arrays of other shapes: compiled loops would read what lies beyond them."""
        lines = []
        vectors = {"theta": self.kernel.parameters, "gradient": self.kernel.gradient}
        for vector, names in vectors.items():
            if names:
                size = sum(self.tensors[n].row_size for n in names)
                lines.append(f"if {vector}.size != {size}:")
                lines.append(f'    raise ValueError("{vector} must have {size} entries")')
        for name, variable in (*self.inputs.items(), *self.results.items()):
            t = self.tensors[name]
            sizes = [str(n) for n in t.row_shape] or (["1"] if not t.batched else [])
            wrong = [f"{variable}.shape[{k + t.batched}] != {n}" for k, n in enumerate(sizes)]
            if t.batched and variable != self.length:
                wrong.insert(0, f"{variable}.shape[0] != samples")
            if wrong:
                shape = ", ".join(["N"] * t.batched + sizes) + ("," if len(sizes) + t.batched == 1 else "")
                lines.append(f"if {' or '.join(wrong)}:")
                lines.append(f'    raise ValueError("{variable} must have shape ({shape})")')
        if any(sums_batch(s) for stage in self.schedule.stages for n in stage.nests for s in n.statements):
            lines += ["if samples == 0:", '    raise ValueError("there are no samples")']
        return lines + self._label_checks(self._writing())

    def _writing(self) -> set[str]:
        """What says where entries are that are written."""
        nests = [nest for stage in self.schedule.stages for nest in stage.nests if nest.form == SCATTER]
        return {a.name for nest in nests for s in nest.statements for w in s.where for a in accesses(w)}

    def _label_checks(self, names: Iterable[str]) -> list[str]:
        """Refuse labels out of range, where symbp itself has not looked at them before."""
        lines = []
        for name, variable in self.inputs.items():
            bound = self.tensors[name].bound
            if name in names and self.tensors[name].role == "label" and bound is not None:
                lines.append(f"if {variable}.size and ({variable}.min() < 0 or {variable}.max() >= {bound}):")
                lines.append(f'    raise ValueError("{variable} must hold labels 0 ... {bound - 1}")')
        return lines

    def _point(self) -> None:
        lines = []
        given = ["theta"] if self.kernel.parameters else []
        for name, variable in self.inputs.items():
            t = self.tensors[name]
            if t.shape and not t.batched:
                given.append(variable)
                continue
            row = self.module.local(f"{variable}_row")
            given.append(row)
            if t.row_shape:
                lines.append(f"{row} = {variable}.reshape({self._shape(t, '1')})")
            else:
                dtype = "int64" if t.role == "label" else self.kernel.dtype
                lines += [f"{row} = np.empty(1, np.{dtype})", f"{row}[0] = {variable}"]
        lines += [*self._allocations("1"), self._into(given), self._returned(True)]
        self._append(self.kernel.name, self._given(), lines, "All results for one sample.")
