"""The sizes of register tiles; their numbers are judged in test_micro.py."""

from __future__ import annotations

from llvmlite import ir

from symbp.codegen.registers import REGISTERS
from symbp.codegen.tile import SUMS, WIDTH, tile_sizes, tiles


def test_sums_leave_registers_for_a_row_and_an_entry():
    for width, heights in tile_sizes():
        assert max(heights) * width <= SUMS
        assert max(heights) * width + width + 1 <= REGISTERS


def test_every_size_is_covered():
    sizes = dict(tile_sizes())
    assert max(sizes) == WIDTH
    assert min(sizes) == 1
    for heights in sizes.values():
        assert heights[-1] == 1
        # What a height leaves is a multiple of the next or left to it.
        assert list(heights) == sorted(heights, reverse=True)


def test_a_module_has_one_function_of_tiles_per_type():
    module = ir.Module()
    assert tiles(module, ir.FloatType()) is tiles(module, ir.FloatType())
    assert tiles(module, ir.DoubleType()) is not tiles(module, ir.FloatType())
