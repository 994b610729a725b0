"""Whatever users call their symbols, the module is plain ASCII Python."""

from __future__ import annotations

import pytest

from symbp.codegen.module import emit
from symbp.codegen.names import RESERVED, Namer, comment, identifier
from symbp.ir import BATCH, Index, Statement, Tensor
from symbp.schedule.kernel import Kernel
from tests.codegen.kernels import compare, load, program_of, random_values

HOSTILE = [
    "lambda", "None", "np", "math", "theta", "gradient", "work", "rows", "samples", "start", "f32", "view",
    "njit",
    "print", "δ", "Δ", "delta", "α_1", "é", "e", "dE/dW1", "dE_dW1", "dE dW1", "x\ny",
    'a"""b', "a'b", "a\\", "\\n",
    "1x", "", " ", "__import__('os').system('false')", "# comment", "漢字", "🙂", "a" * 10_000, "a" * 10_001,
    "compute_x", "block_1", "polygamma_1", "t1", "total", "x_in", "x_at", "n", "maximum",
    "\u202e", "\x00", "f_into",
]  # fmt: skip


def test_identifiers_read_well():
    assert identifier("dE/dW1") == "dE_dW1"
    assert identifier("δ") == "delta"
    assert identifier("Ω_2") == "Omega_2"
    assert identifier("1x") == "v1x"
    assert identifier("") == "v"


def test_identifiers_are_unique_and_free():
    namer = Namer()
    names = [namer(text) for text in HOSTILE * 2]
    assert len(set(names)) == len(names)
    assert all(name.isidentifier() and name.isascii() and len(name) < 60 for name in names)
    assert not RESERVED & set(names)


@pytest.mark.parametrize("text", HOSTILE)
def test_comments_are_one_plain_line(text):
    line = comment(text)
    assert line.isascii()
    assert line.isprintable()
    assert len(line) <= 96
    assert '"' not in line
    assert "\\" not in line


def test_hostile_names_compile_and_agree(tmp_path):
    n, i = Index("np", BATCH), Index("for", 2)
    given = [Tensor(f"{name}", (BATCH, 2), "input") for name in HOSTILE[:24]]
    weights = [Tensor(name, (2,), "parameter") for name in HOSTILE[24:36]]
    made = [Tensor(name, (BATCH, 2)) for name in HOSTILE[36:]]
    statements = []
    before = given[0][n, i]
    for k, t in enumerate(made):
        body = before * weights[k % len(weights)][i] + given[k % len(given)][n, i]
        statements.append(Statement(t.name, (n, i), body, origin='"""\nimport os'))
        before = t[n, i]
    program = program_of([*given, *weights, *made], statements, tuple(t.name for t in made))
    parameters = tuple(t.name for t in weights)
    kernel = Kernel("f", program, tuple(t.name for t in given), parameters, tuple(t.name for t in made), ())
    module = load(emit([kernel], title='"""\nevil\\'), tmp_path)
    compare(module, kernel, random_values(program, 3))
    assert list(module.PARAMETERS) == [t.name for t in weights]
