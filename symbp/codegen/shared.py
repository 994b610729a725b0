"""The functions of a kernel that threads share."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

from symbp.codegen.driver import Driver
from symbp.codegen.parts import CHUNK
from symbp.codegen.product import Part, is_large_text
from symbp.ir.nodes import Statement, Tensor
from symbp.machine.gate import DONE, NOTED
from symbp.schedule.looptree import MULTIPLY, Nest, Stage, sums_batch
from symbp.schedule.parts import MOST_NESTS, MOST_SHARED, PARTS
from symbp.schedule.product import product_of, products_of

PIECE = 64
"""Samples, or the most rows of a sum over samples with few columns, that one thread takes at a time."""

LEAST_PIECE = 8
"""The fewest rows of a sum over samples: those of one tile of registers."""

PANEL = 64
"""Columns of a large product, or of a sum over samples with many, are cut at multiples of this."""

LARGE = 128 * 128
"""Entries of the matrix on the right from which on threads share the columns of a product: each of them
would copy the whole of it for its rows, and read it from a cache that is shared."""

FEWEST_PIECES = 4
"""A sum is cut into so many pieces where it has the rows, so that no thread waits for another's last."""

JOB_ARGUMENTS = ("gate", "number", "ticket")
"""The last arguments of functions that threads share: the gate, the number of the job there, and a ticket
that has been drawn already; see `symbp.machine.gate`."""


class SharedDriver(Driver):
    """Writes `NAME_into` as threads run it together; it takes buffers and the gate as arguments."""

    def write(self) -> None:
        """Append the function and those it calls to the module."""
        start = self._start()
        self._count_nests()
        lines = [line for stage in self.schedule.stages for line in self._computed(stage)]
        copies = self._copies()
        if copies:
            lines += self._pieces("1", self._function("copies", [], copies))
        room = [v for b, v in self.buffers.items() if b.startswith("long:")]
        room = ["work"] * bool(self.schedule.workspace) + room
        lines = [*start, *self._flats_used(lines), "begin = 0", *lines]
        self._into_function(lines, *room, *JOB_ARGUMENTS)

    def _computed(self, stage: Stage) -> list[str]:
        """A stage whose work is cut into pieces that threads draw; see `symbp.codegen.crew`.

        Every entry is computed by the same operations in the same order, however many threads there are.
        """
        if not stage.tiled:
            return self._pieces("1", self._function("once", ["samples"], self._stage(stage)))
        even = self.schedule.even
        if not even:
            return self._whole_tiles(stage) if self.schedule.whole else self._parts_of_tiles(stage)
        few, many = self._parts_of_tiles(stage), self._whole_tiles(stage)
        return [f"if samples <= {even}:", *_indented(few), "else:", *_indented(many)]

    def _parts_of_tiles(self, stage: Stage) -> list[str]:
        """A stage that takes one tile after the other, each cut into pieces.

        They are first some samples each, taken through all nests that have one row per sample, but for large
        products, of which pieces are some columns; then some columns or rows each of the sums.
        """
        loops = [nest for nest in stage.nests if nest.form != MULTIPLY]
        if len(stage.nests) > MOST_SHARED or any(not self._keys[id(nest)] for nest in loops):
            # Addresses that are part of the text know no pieces.
            return self._pieces("1", self._function("tiles", ["samples"], self._stage(stage)))
        sums = [nest for nest in stage.nests if sums_batch(nest.statements[0])]
        rows = [nest for nest in stage.nests if not sums_batch(nest.statements[0])]
        lines = []
        fills = self._fills(stage.nests)
        if fills:
            lines += self._pieces("1", self._function("zeros", [], fills))
        drawn = []
        for large, together in groupby(rows, self._is_large):
            for some in map(self._columns, together) if large else map(self._rows, _groups([*together])):
                drawn += self._drawn("rows", *some)
        for group in _groups(sums):
            drawn += self._drawn("sums", *self._sums(group))
        return [*lines, *self._tiled(drawn, self.schedule.tile)]

    def _pieces(self, count: str, call: str) -> list[str]:
        """Draw pieces of one kind until there are none left, then wait until all are done."""
        return [
            f"end = begin + {count}",
            "while ticket < end:",
            "    piece = ticket - begin",
            f"    {call}",
            *[f"    note_range(gate, {NOTED})"] * self.kernel.point,
            f"    count_up(gate, {DONE})",
            "    ticket = draw_ticket(gate, number)",
            f"wait_until(gate, {DONE}, number, end)",
            "begin = end",
        ]

    def _drawn(self, kind: str, count: str, lines: list[str]) -> list[str]:
        """Draw the pieces of a tile, each of which does what the lines say."""
        return self._pieces(count, self._function(kind, ["samples", "start", "rows", "piece"], lines))

    def _whole_tiles(self, stage: Stage) -> list[str]:
        """A stage whose tiles are pieces, each with a part of the sums over the samples.

        Then threads add the parts, some entries of all of them at a time.
        """
        size, defined = self.parts.tile()
        kind = "f32(0.0)" if self.single else "0.0"
        self.buffers["tile"] = self.flat["tile"] = "tile"
        room = [f"tile = room({self.schedule.tile_room}, {kind})"] * bool(self.schedule.tile_room)
        lines = [
            *defined,
            *self._some_rows(size),
            *room,
            *self.parts.arrays("piece"),
            *self._in_part(stage),
            *["keep(tile)"] * len(room),
        ]
        self.buffers["tile"] = self.flat["tile"] = "work"
        count = f"(rows + {size} - 1)//{size}"
        drawn = self._drawn("tiles", count, lines)
        end, added = 0, [*defined]
        for span in self.parts.spans(stage):
            begin, end = end, end - (-span.size // CHUNK)
            added.append(f"{'elif' if begin else 'if'} piece < {end}:")
            chunk = f"(piece - {begin})" if begin else "piece"
            added.append("    " + self.parts.add(span, self.flat_buffer(span.buffer), count, chunk))
        if end:
            drawn += self._drawn("added", str(end), added)
        at_once = PARTS * size if isinstance(size, int) else f"{PARTS}*{size}"
        return [*defined, *self._tiled(drawn, at_once)]

    def _rows(self, nests: list[Nest]) -> tuple[str, list[str]]:
        """The number of pieces of a tile, and what takes some of its samples through all nests."""
        lines = self._some_rows(PIECE)
        seen: set[str] = set()
        self.shifted = True
        for nest in nests:
            lines += self._explained(nest, self._nest(nest, True, seen))
        self.shifted = False
        return f"(rows + {PIECE - 1})//{PIECE}", lines

    def _some_rows(self, size: int | str, piece: str = "piece") -> list[str]:
        return [f"base = {size}*{piece}", f"rows = min({size}, rows - base)", "start = start + base"]

    def _columns(self, nest: Nest) -> tuple[str, list[str]]:
        """The number of pieces of a large product, and what computes some columns of it.

        Columns of the matrix on the right are copied for all rows of a piece: the more rows, the better.
        """
        product = product_of(nest.statements[0], self.tensors)
        assert product is not None
        columns, width = product.columns.size, self._width(nest)
        blocks = _panels(columns, width)
        size = min(self.schedule.tile, PIECE * _panels(columns))
        low, count = _panel(f"(piece % {blocks})", columns, width)
        lines = [
            *self._some_rows(size, f"(piece//{blocks})"),
            f"low = {low}",
            f"count = {count}",
        ]
        self.shifted = True
        calls = self.module.multiply(nest, self.schedule, self, Part("low", "count", columns=True))
        self.shifted = False
        return f"(rows + {size - 1})//{size}*{blocks}", [*lines, *self._explained(nest, calls)]

    def _sums(self, nests: list[Nest]) -> tuple[str, list[str]]:
        """The number of pieces of sums over the batch, and what does one of them."""
        lines: list[str] = []
        end = 0
        for nest in nests:
            begin, word = end, "elif" if lines else "if"
            what: list[str] = []
            matrix = self._matrix(nest)
            if matrix is not None:
                many, columns = matrix
                by_columns = _panels(columns) >= FEWEST_PIECES
                if by_columns:
                    width = self._width(nest)
                    end += _panels(columns, width)
                    low, count = _panel(f"(piece - {begin})" if begin else "piece", columns, width)
                else:
                    size = -(-many // (FEWEST_PIECES * LEAST_PIECE)) * LEAST_PIECE
                    size = size if self._is_for_unit(nest) else min(PIECE, size)
                    end += -(-many // size)
                    low = f"{size}*(piece - {begin})" if begin else f"{size}*piece"
                    count = f"min({size}, {many} - low)"
                what += [f"low = {low}", f"count = {count}"]
                what += self.module.multiply(nest, self.schedule, self, Part("low", "count", by_columns))
            else:
                end += 1
                what += self._nest(nest, True, set())
            lines += [f"{word} piece < {end}:", *("    " + line for line in self._explained(nest, what))]
        return str(end), lines

    def _matrix(self, nest: Nest) -> tuple[int, int] | None:
        """Rows and columns of what a nest multiplies, if there are such and threads may take some of them."""
        products = products_of(nest.statements[0], self.tensors) if nest.form == MULTIPLY else []
        axes = {(p.rows, p.columns) for p in products}
        if len(axes) != 1:
            return None
        rows, columns = axes.pop()
        return None if rows is None or rows.samples else (rows.size, columns.size)

    def _is_large(self, nest: Nest) -> bool:
        return nest.form == MULTIPLY and is_large(nest.statements[0], self.tensors)

    def _is_for_unit(self, nest: Nest) -> bool:
        """Whether a product may be one for the matrix unit, which splits the matrices for each piece anew."""
        products = products_of(nest.statements[0], self.tensors)
        return self.single and any(is_large_text(p, self.schedule.tile) != "False" for p in products)

    def _width(self, nest: Nest) -> int:
        """The columns of a piece of a product, of which there are few for the matrix unit."""
        if not self._is_for_unit(nest):
            return PANEL
        pieces = max(FEWEST_PIECES, 2 * self.kernel.threads)
        columns = products_of(nest.statements[0], self.tensors)[0].columns.size
        return PANEL * max(1, round(columns / (PANEL * pieces)))

    def _function(self, kind: str, more: list[str], lines: list[str]) -> str:
        """The call of a new function that has some lines."""
        name = self.module.namer(f"{self.kernel.name}_{kind}")
        arguments = ", ".join([*self._whole(), *more])
        lines = [*self._flats_used(lines), *lines]
        text = f'@njit(nogil=True, error_model="numpy")\ndef {name}({arguments}):\n'
        self.module.parts.append(text + "\n".join("    " + line for line in lines))
        return f"{name}({arguments})"


def _indented(lines: list[str]) -> list[str]:
    return ["    " + line for line in lines]


def _groups(nests: list[Nest]) -> list[list[Nest]]:
    """The nests of a stage for functions of no more than a few."""
    return [nests[k : k + MOST_NESTS] for k in range(0, len(nests), MOST_NESTS)]


def _panels(columns: int, width: int = PANEL) -> int:
    """Pieces of so many columns. The last takes what would be too few columns alone, whose terms would be
    summed up otherwise."""
    return max(1, -(-(columns - width // 2) // width))


def _panel(piece: str, columns: int, width: int) -> tuple[str, str]:
    """The first column of a piece and their number."""
    last = _panels(columns, width) - 1
    return f"{width}*{piece}", f"{width} if {piece} < {last} else {columns} - low" if last else str(columns)


def is_large(s: Statement, tensors: Mapping[str, Tensor]) -> bool:
    """Whether a statement is a product of the samples with a large matrix, of which threads take columns."""
    product = product_of(s, tensors)
    if product is None or product.rows is None or not product.rows.samples:
        return False
    return product.columns.size * product.depth.size >= LARGE
