import ast

import pytest

from symbp.codegen import module
from symbp.machine import vocabulary
from symbp.machine.values import NotCovered
from symbp.machine.vocabulary import WORDS, intrinsic, meanings

TEXT = """
import math
from numba import njit, types
from numba.extending import intrinsic as own

@own
def same(typingctx, a):
    return a(a), None

@njit(error_model="numpy")
def twice(a):
    return 2*a

ROOT = math.sqrt(4.0)
"""


def test_names_mean_what_they_mean_without_numba():
    names = meanings(ast.parse(TEXT))
    assert names["types"] is WORDS["types"]
    assert names["ROOT"] == 2
    assert names["twice"](3) == names["twice"].py_func(3) == 6
    signature, _ = names["same"]._defn(None, names["types"].float32)
    assert signature.args == (names["types"].float32,)


def test_other_names_of_numba_are_left_to_it():
    with pytest.raises(NotCovered, match="prange of Numba"):
        meanings(ast.parse("from numba import prange"))


def test_words_are_all_that_generated_modules_import_from_numba():
    found = [
        alias.name
        for _, line in module.IMPORTS
        for node in ast.parse(line).body
        if isinstance(node, ast.ImportFrom) and str(node.module).startswith("numba")
        for alias in node.names
    ]
    assert set(found) == set(WORDS)


def test_intrinsics_are_for_compiled_functions():
    @intrinsic
    def nothing(typingctx):
        pass

    with pytest.raises(TypeError, match="nothing is for compiled functions"):
        nothing()


def test_references_are_not_counted():
    with pytest.raises(NotCovered):
        vocabulary.impl_ret_new_ref(None, None, None, None)
