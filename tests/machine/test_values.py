import pytest
from llvmlite import ir

from symbp.machine import types
from symbp.machine.values import (
    LONG,
    Array,
    Group,
    NotCovered,
    Number,
    cast,
    common,
    packed,
    part_types,
    parts_of,
    unpacked,
    value_of,
    value_type,
)

F64, F32, I64, I32, BOOL = types.float64, types.float32, types.int64, types.int32, types.boolean
MATRIX = types.Array(F32, 2, "C")


def builder(*kinds):
    function = ir.Function(ir.Module(), ir.FunctionType(ir.VoidType(), kinds), "f")
    return ir.IRBuilder(function.append_basic_block()), function.args


@pytest.mark.parametrize(
    ("kinds", "want"),
    [
        ([F32, F32], F32),
        ([F32, F64], F64),
        ([F32, I64], F64),
        ([I64, I32], I64),
        ([I64, BOOL], I64),
        ([BOOL, BOOL], BOOL),
    ],
)
def test_types_in_common_are_those_of_numpy(kinds, want):
    assert common(kinds) == want


def test_what_has_no_type_in_common():
    with pytest.raises(NotCovered, match="float64"):
        common([F64, BOOL])


@pytest.mark.parametrize(
    ("given", "wanted", "instruction"),
    [
        (F32, F64, "fpext"),
        (F64, F32, "fptrunc"),
        (I64, F32, "sitofp"),
        (BOOL, F64, "uitofp"),
        (BOOL, I64, "zext"),
        (I32, I64, "sext"),
        (I64, I32, "trunc"),
    ],
)
def test_casts(given, wanted, instruction):
    build, (value,) = builder(value_type(given))
    assert f"= {instruction} " in str(cast(build, value, given, wanted))


def test_no_float_becomes_an_integer_unasked():
    build, (value,) = builder(value_type(F64))
    assert cast(build, value, F64, F64) is value
    with pytest.raises(NotCovered):
        cast(build, value, F64, I64)
    with pytest.raises(NotCovered):
        value_type(types.void)


def test_parts_make_the_value_again():
    kind = types.Tuple((MATRIX, types.UniTuple(I64, 2), F64))
    kinds = part_types(kind)
    build, parts = builder(*kinds)
    value = value_of(kind, parts)
    assert isinstance(value, Group)
    assert value.kind == kind
    assert parts_of(value) == list(parts)
    assert isinstance(value.items[0], Array)
    assert kinds[1:5] == [LONG] * 4
    again = unpacked(build, kind, packed(build, value))
    assert again.kind == kind
    assert packed(build, again).type == value_type(kind)
    assert isinstance(again.items[2], Number)
