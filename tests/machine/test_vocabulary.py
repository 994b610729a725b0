import ast

import pytest

from symbp.codegen import module
from symbp.machine import vocabulary
from symbp.machine.values import NotCovered
from symbp.machine.vocabulary import WORDS, intrinsic


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
