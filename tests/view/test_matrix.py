"""Which bodies have a form in matrix notation, and which have none."""

import pytest
import sympy as sp

from symbp.ir.nodes import Access, Index, Statement
from symbp.view.matrix import Matrix, NoMatrixForm, transposed, turned
from symbp.view.terms import term
from symbp.view.text import TextPrinter

K, J, M = Index("k", 3), Index("j", 4), Index("m", 2)
a, b, x = Access("a", K), Access("b", K), Access("x", J)
W, V, A = Access("W", K, J), Access("V", J, M), Access("A", K, M)


def written(indices, body, bound=(), reduce=None):
    reduce = reduce or ("sum" if bound else "none")
    return Matrix({}).statement(Statement("r", tuple(indices), body, reduce, tuple(bound)))


@pytest.mark.parametrize(
    ("indices", "body", "bound", "text"),
    [
        ([K], W * x, [J], "W*x"),
        ([K], W * x * b, [J], "(W*x) ⊙ b"),
        ([J], W * a, [K], "W.T*a"),
        ([K, M], W * V, [J], "W*V"),
        ([M, K], W * V, [J], "V.T*W.T"),
        ([K, J], a * x / 2, [], "a*x.T/2"),
        ([], a * b, [K], "a.T*b"),
        ([], a**2, [K], "sum(a**2)"),
        ([], W * Access("W", K, J), [K, J], "sum(W**2)"),
        ([], a * W * x, [K, J], "a.T*W*x"),
        ([J, K], W, [], "W.T"),
        ([K], 2 * a / Access("s"), [], "2*a/s"),
        ([K], sp.Integer(3), [], "3"),
    ],
)
def test_forms(indices, body, bound, text):
    assert TextPrinter().show(written(indices, body, bound)) == text


@pytest.mark.parametrize(
    ("indices", "body", "bound", "reduce"),
    [
        ([K], W, [J], None),  # a sum over rows
        ([K, J], a + x, [], None),  # neither is an array over both axes
        ([K], K * a, [], None),  # the value of an index
        ([K], Access("c"), [], None),  # a number spread over an array
        ([K], Access("x", K + 1), [], None),
        ([K], W, [J], "max"),
        ([], Access("W", K, K), [K], None),
        ([K, M], W * V * A, [J, Index("q", 5)], None),
    ],
)
def test_no_form(indices, body, bound, reduce):
    with pytest.raises(NoMatrixForm):
        written(indices, body, bound, reduce)


def test_a_maximum_over_all_entries():
    assert TextPrinter().show(written([], a - 1, [K], "max")) == "max(a - 1)"


def test_what_is_taken_in_leads():
    writer = Matrix(
        {"s": term("matmul", term("name", data="W", array=True), term("name", data="x", array=True))}
    )
    shown = writer.statement(Statement("r", (K,), Access("s", K) * a * (1 - a)))
    assert TextPrinter().show(shown) == "(W*x) ⊙ a ⊙ (1 - a)"
    assert list(writer.taken) == ["s"]


def test_transposed_twice_is_untouched():
    t = term("name", data="W", array=True)
    assert transposed(transposed(t)) == t


def test_what_is_the_same_for_all_entries_stands_beside_their_maximum():
    assert TextPrinter().show(written([], sp.Max(0, Access("c"), a), [K], "max")) == "max(0, c, max(a))"
    assert TextPrinter().show(written([], sp.Max(a, b), [K], "max")) == "max(max(a, b))"


def test_a_transposed_product_is_a_product_of_transposed():
    k, q = (term("name", data=n, array=True) for n in "kq")
    number = term("name", data="n")
    scaled = term("fraction", term("times", number, term("matmul", k, transposed(q))), number)
    assert TextPrinter().show(turned(scaled)) == "n*q*k.T/n"
    assert turned(turned(scaled)) == scaled
    assert TextPrinter().show(turned(term("plus", k, q))) == "(k + q).T"
    writer = Matrix({"t": term("matmul", k, transposed(q))})
    square = Access("t", M, K)
    assert TextPrinter().show(writer.statement(Statement("r", (K, M), square))) == "q*k.T"
    shown = writer.statement(Statement("r", (J, M), Access("X", K, J) * square, "sum", (K,)))
    assert TextPrinter().show(shown) == "X.T*(q*k.T)"
