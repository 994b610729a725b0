import pytest
import sympy as sp

from symbp.ir import Access, Index, InvalidProgram, Program, Statement, Tensor, check

i, j = Index("i", 3), Index("j", 2)
TENSORS = [
    Tensor("x", (2,), "input"),
    Tensor("A", (3, 2), "parameter"),
    Tensor("z", (3,)),
    Tensor("s", ()),
]


def program(*statements, outputs=("z",)):
    return Program({t.name: t for t in TENSORS}, statements, outputs)


def product(**changed):
    given = {
        "target": "z",
        "indices": (i,),
        "body": Access("A", i, j) * Access("x", j),
        "reduce": "sum",
        "bound": (j,),
    }
    return Statement(**{**given, **changed})


def test_a_good_program_comes_back():
    good = program(product())
    assert check(good) is good


BAD = {
    "undeclared target": [product(target="w")],
    "defined twice": [product(), product()],
    "shape": [product(indices=(Index("i", 4),))],
    "reduction without bound": [product(reduce="none")],
    "an index twice": [product(bound=(j, j))],
    "free index": [product(bound=(Index("k", 2),))],
    "before its definition": [product(body=Access("s") * Access("A", i, j))],
    "has shape": [product(body=Access("A", i) + Access("x", j))],
    "overruns": [product(body=Access("A", i, j) * Access("x", i))],
    "out of bounds": [product(body=Access("A", i, j) * Access("x", 2))],
    "stray symbol": [product(body=Access("A", i, j) * sp.Symbol("t"))],
    "never defined": [],
}


@pytest.mark.parametrize("message", BAD)
def test_each_rule_is_enforced(message):
    with pytest.raises(InvalidProgram, match=message):
        check(program(*BAD[message]))


def test_a_condition_may_guard_a_longer_index():
    long = Index("j", 5)
    check(
        program(product(body=Access("A", i, j) * Access("x", long), bound=(j, long), where=(sp.Le(long, 1),)))
    )
