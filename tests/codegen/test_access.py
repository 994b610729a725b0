import pytest
import sympy as sp

from symbp.codegen.access import Reader
from symbp.codegen.names import Namer
from symbp.codegen.scalar import Position
from symbp.ir import BATCH, Access, Index, Program, Statement, Tensor
from symbp.schedule.looptree import Place, Schedule
from symbp.schedule.parts import MOST_TENSORS

n, i, j = Index("n", BATCH), Index("i", 3), Index("j", 4)
TENSORS = [
    Tensor("x", (BATCH, 4), "input"),
    Tensor("label", (BATCH,), "label", bound=4),
    Tensor("W", (3, 4), "parameter"),
    Tensor("z", (BATCH, 3)),
    Tensor("inner", (BATCH,)),
]
PLACES = {
    "x": Place("input:x", 0, True),
    "label": Place("input:label", 0, True),
    "W": Place("theta", 5),
    "z": Place("work", 16),
}
NAMES = {n: "n", i: "i", j: "j"}


def reader(*bodies, tensors=(), places=None, where=()):
    statements = [Statement(f"z{k}" if k else "z", (n, i), b, where=where) for k, b in enumerate(bodies)]
    known = {t.name: t for t in (*TENSORS, *tensors)}
    program = Program(known, tuple(statements), ("z",))
    schedule = Schedule(program, (), {**PLACES, **(places or {})}, 8, 64, ())
    return Reader(statements, schedule, {t: t for t in known}, Namer()), statements[0]


def text(access, body=None, **options):
    made, statement = reader(access if body is None else body, **options)
    return made.text(access.name, made.positions(access, NAMES, statement))


def test_views_have_the_textbook_shape():
    assert text(Access("W", i, j)) == "W[i, j]"
    assert text(Access("x", n, 2)) == "x[n, 2]"
    assert text(Access("W", i, j), where=(sp.Le(i, j),)) == "W[i, j]"


def test_the_tensors_of_a_nest_in_order_of_use():
    made, statement = reader(Access("W", i, 1) * Access("x", n, 0) + Access("inner", n))
    assert sorted(made.tensors) == ["W", "x", "z"]
    assert made.tensors[0] == "z"
    assert made.names_read(statement) == {"W", "x", "inner"}
    assert not made.baked


def test_affine_indices_that_stay_inside():
    assert text(Access("x", n, i + 1)) == "x[n, i + 1]"
    assert text(Access("x", n, 2 - i)) == "x[n, -i + 2]"


@pytest.mark.parametrize("position", [i + 2, i - 1, 3 - 2 * i, sp.floor(i / 2) + j])
def test_others_are_held_inside(position):
    """A choice may guard the access; both of its sides are evaluated."""
    held = text(Access("x", n, position))
    for value in range(3):
        at = eval(
            held.removeprefix("x[n, ").removesuffix("]"), {"i": value, "j": value, "min": min, "max": max}
        )
        assert 0 <= at < 4
        right = position.xreplace({i: sp.Integer(value), j: sp.Integer(value)})
        assert not 0 <= right < 4 or at == right


def test_inside_of_a_guarded_sum_nothing_is_clamped():
    assert text(Access("x", n, i + 2), where=(sp.Le(i, 1),)) == "x[n, i + 2]"


def test_gathers_read_the_label_first():
    assert text(Access("x", n, Access("label", n))) == "x[n, label[n]]"
    made, statement = reader(Access("x", n, Access("label", n)))
    code_lines = []
    made.load(lambda *line: code_lines.append(line), Access("label", n), NAMES, statement)
    assert code_lines == [("int", "label[n]")]


def test_flat_addresses():
    made, statement = reader(Access("W", i, j))
    positions = made.positions(Access("W", i, j), NAMES, statement)
    assert made.flat("W", positions) == ("W", 0, {"j": 1, "i": 4})
    assert made.flat("W", (Position(1, (("i", 2),)), Position(3))) == ("W", 7, {"i": 8})


def test_many_tensors_are_addressed_in_their_buffers():
    weights = [Tensor(f"w{k}", (2,), "parameter") for k in range(MOST_TENSORS)]
    places = {t.name: Place("theta", 100 + 2 * k) for k, t in enumerate(weights)}
    body = sp.Add(*(t[1] for t in weights)) + Access("x", n, j)
    made, statement = reader(body, tensors=weights, places=places)
    assert made.baked
    for access, want in ((weights[3][1], "theta[107]"), (Access("x", n, j), "x[j + 4*n + 4*start]")):
        assert made.text(access.name, made.positions(access, NAMES, statement)) == want
    assert set(made.buffers()) == {"theta", "input:x", "work"}


def test_names_are_free_with_their_endings():
    made, _ = reader(Access("W", i, j))
    made.namer("x_in")
    assert made.tensor_name("x") not in ("x", "x_in")
    assert made.tensor_name("x") == made.tensor_name("x")


def test_axes_of_entrywise_statements_are_one():
    same, other = Tensor("s", (BATCH, 3)), Tensor("t", (BATCH, 4))
    s = Access("s", n, i)
    for body, size in (
        (s**2, "rows*3"),
        (s * Access("b", i), ""),  # a row for all samples
        (s * i, ""),  # the index is a number
        (Access("s", n, 2 - i), ""),
        (Access("t", n, i), ""),  # rows of another length
    ):
        made, _ = reader(
            body, tensors=(same, other, Tensor("b", (3,), "parameter")), places={"s": Place("work", 40)}
        )
        assert made.collapsed == size
    made, statement = reader(s**2, tensors=(same,), places={"s": Place("work", 40)})
    assert made.shape("s") == ("rows*3",)
    assert made.text("s", made.positions(s, NAMES, statement)) == "s[k]"
    assert reader(s**2, tensors=(same,), where=(sp.Le(i, 1),))[0].collapsed == ""


def test_tensors_in_one_place_are_one_array():
    same = Tensor("s", (BATCH, 3))
    made, _ = reader(Access("s", n, i) ** 2, tensors=(same,), places={"s": PLACES["z"]})
    assert made.tensors == ["z"]
    assert made.tensor_name("s") == made.tensor_name("z")
