from itertools import pairwise

import numpy as np
import pytest

import symbp as sb
from symbp.codegen.rolled import Piece, groups, rolled


def ran(pieces):
    """The calls that pieces make, in order, and the texts of the lines."""
    made = []
    scope = {"at": int, "f": lambda *a: made.append(("f", *a)), "g": lambda *a: made.append(("g", *a))}
    exec("\n".join(line for piece in pieces for line in piece.lines), scope)
    return made


def calls(*texts):
    return [[f"# equation {k}", text] for k, text in enumerate(texts)]


def same(given):
    pieces = rolled(given, "step")
    assert ran(pieces) == ran(rolled(given, ""))
    return pieces


def test_rounds_of_several_calls_become_a_loop():
    given = calls(
        "f(at(7))", *(t for k in range(6) for t in (f"f(at({9 * k}), 3)", f"g(at({50 - 4 * k}), at(1))"))
    )
    pieces = same(given)
    assert [piece.calls for piece in pieces] == [1, 2]
    assert pieces[1].lines[1] == "for step in range(6):"
    assert pieces[1].lines[2:] == [
        "    # equation 1",
        "    f(at(9*step), 3)",
        "    # equation 2",
        "    g(at(50 - 4*step), at(1))",
    ]


@pytest.mark.parametrize(
    "offsets",
    [
        (0, 1, 2, 4, 5, 6),
        (0, 5, 10),
        (0, 1, 2, 3, 5, 7, 9, 11),
        (3, 3, 3, 3, 3),
    ],
)
def test_offsets_that_are_not_evenly_spaced_end_a_loop(offsets):
    pieces = same(calls(*(f"f(at({k}))" for k in offsets)))
    evenly = len({b - a for a, b in pairwise(offsets)}) == 1
    assert (len(pieces) == 1) == (evenly and len(offsets) > 3)


def test_the_round_that_covers_most_is_taken():
    (piece,) = same(calls(*(f"f(at({k}))" for k in (1, 0, 3, 2, 5, 4, 7, 6, 9, 8))))
    assert piece.calls == 2


def test_other_numbers_must_be_the_same():
    assert all(piece.calls == 1 for piece in same(calls(*(f"f(at({k}), {k})" for k in range(6)))))
    assert len(same(calls(*(f"f(at({k}), {k // 4})" for k in range(8))))) == 2


def test_names_that_end_like_an_offset_are_no_offsets():
    assert rolled(calls(*(f"f(flat({k}))" for k in range(8))), "step")[0] == Piece(
        1, ["# equation 0", "f(flat(0))"]
    )


def test_groups_hold_at_most_so_many_calls():
    pieces = [Piece(n, [str(n)]) for n in (1, 2, 3, 1, 9, 1)]
    assert [[p.calls for p in group] for group in groups(pieces, 4)] == [[1, 2], [3, 1], [9], [1]]


def test_a_deep_network_has_the_gradient_of_its_equations():
    """More layers than stand one by one; the last ones differ from the others."""
    net = sb.mlp([3] * 24 + [2], activation="softplus")
    model = sb.compile(net, threads=1)
    assert model.source.count("for step in range(") >= 2
    random = np.random.default_rng(0)
    model.check(model.init(seed=0), x=random.standard_normal((4, 3)), y=random.standard_normal((4, 2)))
