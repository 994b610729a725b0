import subprocess
import sys

import pytest

import symbp as sb


def printed(program):
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_every_public_name_is_there():
    assert {name for name in sb.__all__ if getattr(sb, name) is None} == set()
    assert set(sb.__all__) <= set(dir(sb))
    assert len(sb.__all__) == len(set(sb.__all__))


def test_a_star_import_has_them_too():
    assert printed("from symbp import *; print(compile.__module__, relu.__module__)") == [
        "symbp.compiler",
        "symbp.nn.activations",
    ]


def test_names_that_are_not_there():
    with pytest.raises(AttributeError, match="no attribute 'complie'"):
        sb.complie  # noqa: B018


def test_writing_equations_loads_neither_the_compiler_nor_numba():
    program = (
        "import sys, sympy as sp, symbp as sb; x, w = sb.vector('x', 2), sb.vector('w', 2);"
        "E = sp.Symbol('E');"
        "sb.Network([sp.Eq(E, sb.squared_error(w, x))], inputs=[x], parameters=[w], loss=E);"
        "print(*sorted({'numba', 'scipy', 'rich', 'symbp.pipeline'} & set(sys.modules)))"
    )
    assert printed(program) == []
