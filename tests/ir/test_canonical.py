import subprocess
import sys

import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from symbp.ir.canonical import canonical_order
from symbp.ir.nodes import Access
from symbp.ir.walk import accesses, substitute

e = sp.exp
a, b, c, d = (Access(name) for name in "abcd")


def neutral(body, *others):
    names = dict.fromkeys(n for part in (body, *others) for n in accesses(part))
    order = canonical_order([body, *others], names)
    return substitute(body, {leaf: Access(f"v{k}") for k, leaf in enumerate(order)})


@given(st.permutations("abcdefghij"))
def test_names_do_not_count(names):
    """SymPy sorts the terms by the names; which of them stand above the line is all there is to it."""
    x = [Access(name) for name in names]

    def body(k):
        others = sp.Add(*(e(x[i] - x[i + 5]) for i in range(5)))
        return x[k] ** 2 * e(x[k] - x[k + 5]) / others - x[k + 5] / sp.Add(*(e(x[i]) for i in range(5)))

    assert len({neutral(body(k)) for k in range(5)}) == 1


def test_places_count():
    assert neutral(a - b) == neutral(b - a)
    assert neutral(a**2 * b) == neutral(b**2 * a)
    assert neutral(a**2 * b) != neutral(a * b)
    assert neutral(sp.atan2(a, b)) == neutral(sp.atan2(b, a))
    assert neutral(sp.atan2(a, b) + a) != neutral(sp.atan2(a, b) + b)


def test_the_first_expression_is_one_of_its_own():
    one, other = (canonical_order([a * b, *rest], [a, b, c]) for rest in ([a + c], [a + c][::-1]))
    assert one == other
    assert canonical_order([a, b * c], [b, c, a]).index(a) in (0, 2)
    first = canonical_order([a * e(b), c + d, c - d], [a, b, c, d])
    assert first == canonical_order([a * e(b), c - d, c + d], [a, b, c, d])


def test_the_order_is_that_of_every_process():
    code = (
        "import sympy as sp; from symbp.ir.canonical import canonical_order;"
        "from symbp.ir.nodes import Access; x = [Access(n) for n in 'pqrst'];"
        "print(canonical_order([x[0]*sp.exp(x[1]) + sp.sin(x[2])/x[3] - x[4]**3], x))"
    )
    found = {
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, env={"PYTHONHASHSEED": seed}
        ).stdout
        for seed in ("1", "2")
    }
    assert len(found) == 1
    assert found.pop().count(",") == 4
