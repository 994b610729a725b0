import pytest
from llvmlite import ir

from symbp.machine.convention import NEW
from symbp.machine.rooms import ANY, LINE, first_line, helper, new_memory
from symbp.machine.values import LONG


@pytest.fixture
def builder():
    function = ir.Function(ir.Module(), ir.FunctionType(ANY, [LONG]), "made")
    return ir.IRBuilder(function.append_basic_block())


@pytest.mark.parametrize("told", [True, False])
def test_memory_begins_at_a_line(builder, told):
    builder.ret(first_line(builder, new_memory(builder, builder.function.args[0]), told))
    text = str(builder.module)
    assert f'noalias i8* @"{NEW}"' in text
    assert f", {LINE}" in text
    assert f"-{LINE}" in text
    assert ("inttoptr" in text) is not told


def test_a_function_is_declared_once(builder):
    assert helper(builder, NEW, ANY, [LONG]) is helper(builder, NEW, ANY, [LONG])
