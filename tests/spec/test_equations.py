"""The table [equations]: shapes, indices, the loss, and where errors point."""

import pytest
import sympy as sp

from symbp import nn
from symbp.spec import loads
from symbp.spec.equations import MAX_EQUATIONS
from tests.spec.reading import HEAD, W, file_refusal, i, x

j = sp.Symbol("j", integer=True)


def equations(lines: str):
    return loads(f"{HEAD}{lines}\n").equations


@pytest.mark.parametrize(
    ("line", "shape", "lhs", "rhs"),
    [
        ('z = "W*x"', (3,), nn.vector("z", 3), W * x),
        ('z = "W.T"', (4, 3), nn.matrix("z", 4, 3), W.T),
        ('z = "x.T"', (1, 4), nn.matrix("z", 1, 4), x.T),
        ('z = "total(x)"', (), nn.scalar("z"), nn.total(x)),
        ('"z[i]" = "x[i]"', (4,), nn.indexed("z", 4)[i], x[i, 0]),
        ('"z[i:3]" = "x[i + 1]"', (3,), nn.indexed("z", 3)[i], x[i + 1, 0]),
        ('"z[j, i]" = "W[i, j]"', (4, 3), nn.indexed("z", 4, 3)[j, i], W[i, j]),
        ('"z[i, j, k:2]" = "W[i, j]"', (3, 4, 2), None, W[i, j]),
    ],
)
def test_shapes_follow_from_the_formula(line, shape, lhs, rhs):
    equation, _ = equations(f'{line}\nE = "total(x)"')
    assert equation.shape == shape
    assert equation.eq.rhs == rhs
    assert lhs is None or equation.eq.lhs == lhs
    assert (equation.line, equation.name) == (6, "z")


def test_equations_are_not_decided():
    (equation,) = equations('E = "E0 - E0"'.replace("E0", "total(x)"))
    assert isinstance(equation.eq, sp.Eq)


def test_a_loss_in_matrix_notation_is_its_only_entry():
    text = "[inputs]\nx = 4\ny = 4\n[equations]\nE = '(x - y).T*(x - y)'\n"
    y = nn.vector("y", 4)
    assert loads(text).equations[0].eq.rhs == sp.Trace((x - y).T * (x - y))
    assert loads(text).equations[0].shape == ()
    assert loads(text + "F = 'E[0, 0]'\n").equations[0].shape == (1,)  # no loss any more


def test_indices_may_return_in_later_equations():
    made = equations('"z[i]" = "sum(W[i, j]*x[j], (j, 0, 3))"\n"u[j, i]" = "z[i]*x[j]"\nE = "total(u)"')
    assert [equation.shape for equation in made] == [(3,), (4, 3), ()]
    assert [equation.indices for equation in made] == [(i,), (j, i), ()]


def test_the_loss_is_the_last_equation_unless_the_file_says():
    lines = 'E = "total(x)"\nF = "2*E"\n'
    assert loads(HEAD + lines).loss == "F"
    assert loads("loss = 'E'\n" + HEAD + lines).loss == "E"


@pytest.mark.parametrize(
    ("text", "line", "problem", "hint"),
    [
        ("[inputs]\nx = 4\n", None, "no equations", "[equations]"),
        ("[equations]\n", 1, "no equations", None),
        ("[[equations]]\nE = '1'\n", 1, "equations is a table", None),
        ("loss = 'EE'\n[equations]\nE = '1'\n", 1, "names no equation: 'EE'", "did you mean 'E'?"),
        ("loss = 'zzz'\n[equations]\nE = '1'\n", 1, "names no equation", "name of an equation"),
        ("loss = 3\n[equations]\nE = '1'\n", 1, "names no equation", "name of an equation"),
        ("loss = 'x'\n[inputs]\nx = []\n[equations]\nE = 'x'\n", 1, "names no equation", None),
        ("loss = 'z'\n[equations]\n'z[i:3]' = 'i'\nE = '1'\n", 3, "the loss 'z' is not a scalar", "total"),
        ("[equations]\n" + "".join(f"a{n} = '1'\n" for n in range(MAX_EQUATIONS + 1)), 1, "10,000", None),
    ],
)
def test_errors_of_the_table(text, line, problem, hint):
    error = file_refusal(text)
    assert problem in error.problem
    assert error.line == line
    assert hint is None or hint in error.hint


@pytest.mark.parametrize(
    ("formula", "line", "column", "problem"),
    [
        ('E = "total(W*xx)"', 6, 14, "unknown name 'xx'"),
        ("E = 'total(W*xx)'", 6, 14, "unknown name 'xx'"),
        ('  E   =   "xx"', 6, 12, "unknown name 'xx'"),
        ('"E" = "xx"', 6, 8, "unknown name 'xx'"),
        ('E = """xx"""', 6, 8, "unknown name 'xx'"),
        ('E = """\ntotal(\n  xx)"""', 8, 3, "unknown name 'xx'"),
        ('# a comment\n\nE = "xx"', 8, 6, "unknown name 'xx'"),
        ('a = """\nE = total(x)"""\nE = "total(x)"', 7, 3, "not a formula"),
        ('E = "\\u0078x"', 6, None, "unknown name 'xx'"),
        ('E = "W*x"', 6, 1, "the loss 'E' is not a scalar; its shape is [3]"),
        ('E = "W.T*W"', 6, 1, "the loss 'E' is not a scalar; its shape is [4, 4]"),
        ('E = "total(W*x + x)"', 6, 18, "different shapes"),
        ("E = 3", 6, 1, "the formula of 'E' is no text"),
        ('x = "x"\nE = "total(x)"', 6, 1, "declared twice"),
        ('z = "x"\n"z[i]" = "x[i]"\nE = "total(x)"', 7, 1, "declared twice"),
        ('sigmoid = "x"\nE = "total(x)"', 6, 1, "taken by a function"),
        ('pi = "1"', 6, 1, "taken by a constant"),
        ('"lambda" = "x"', 6, 1, "meaning of its own"),
        ('"z[" = "x"', 6, 1, "left-hand side"),
        ('"z[x]" = "x[0]"', 6, 1, "the index x has another meaning: it is a name"),
        ('"z[exp]" = "x[0]"', 6, 1, "another meaning: it is a function"),
        ('"z[pi]" = "x[0]"', 6, 1, "another meaning: it is a constant"),
        ('i = "1"\n"z[i:3]" = "x[0]"\nE = "i"', 7, 1, "another meaning: it is a name"),
        ('"z[i]" = "W*x"', 6, 11, "takes a scalar formula"),
        ('"z[i]" = "1"', 6, 11, "does not follow"),
        ('"z[i]" = "x[i + 1]"', 6, 11, "does not follow"),
        ('"z[i]" = "x[i] + W[i, 0]"', 6, 18, "extent 4 in x and 3 in W"),
        ('"z[i:5]" = "x[i]"', 6, 13, "4 entries along axis 0"),
        ('"z[i]" = "x[i] + x[i + 1]"', 6, 18, "i + 1 runs from 1 to 4"),
        ('z = "a"\na = "x"\nE = "total(z)"', 6, 6, "unknown name 'a'"),
        ('z = "z + 1"', 6, 6, "unknown name 'z'"),
        ('"z[i:1000000000, j:2]" = "i + j"\nE = "1"', 6, 27, "more than 1,000,000,000 entries"),
    ],
)
def test_errors_in_equations(formula, line, column, problem):
    error = file_refusal(f"{HEAD}{formula}\n")
    assert problem in error.problem
    assert (error.line, error.column) == (line, column), str(error)


def test_names_that_are_not_defined_yet():
    for lines in ('z = "a"\na = "x"\nE = "total(z)"', 'a = "a"\nE = "1"', '"z[i]" = "a*x[i]"\na = "1"'):
        assert "'a' is not defined yet" in file_refusal(f"{HEAD}{lines}\n").hint
    assert file_refusal(f'{HEAD}a = "x"\nz = "aa"\nE = "total(z)"\n').hint == "did you mean 'a'?"


def test_results_are_no_larger_than_inputs():
    tall = "[inputs]\nx = 100000\ny = 100000\n[equations]\n"
    assert "more than 1,000,000,000 entries" in file_refusal(tall + "z = 'x*y.T'\nE = '1'\n").problem
    loads(tall + "z = 'x*y.T*y'\nE = '1'\n")


def test_the_largest_table():
    lines = "".join(f"a{n} = '{n}'\n" for n in range(MAX_EQUATIONS))
    assert len(loads(f"[equations]\n{lines}").equations) == MAX_EQUATIONS
