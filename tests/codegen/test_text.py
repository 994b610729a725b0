import sympy as sp

from symbp.codegen.text import LARGEST, equation
from symbp.ir import Access, Index, Statement

i, j = Index("i", 3), Index("j", 4)
x, W = Access("x", j), Access("W", i, j)


def test_a_short_equation_is_written_out():
    text = equation(Statement("z", (i,), W * x, "sum", (j,)))
    assert text.startswith("z[i]")
    assert text.endswith("sum(j) x[j]*W[i, j]")


def test_a_long_one_is_abbreviated():
    body = sp.Add(*(sp.sin(k * x) for k in range(1, LARGEST)))
    assert equation(Statement("z", (j,), body)) == "z[j] = ..."


def test_shared_expressions_count_as_often_as_they_are_printed():
    body = x
    for _ in range(60):
        body = sp.Mul(body, body, evaluate=False)
    assert equation(Statement("z", (j,), body)) == "z[j] = ..."


def test_nothing_of_a_name_ends_the_comment():
    text = equation(Statement('z\n"""\\', (), Access("a\rimport os\u2028")))
    assert text.isascii()
    assert text.isprintable()
    assert '"' not in text
    assert "\\" not in text
