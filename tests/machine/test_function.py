"""Statements mean what they mean to Numba."""

import numpy as np
import pytest

from symbp.machine.build import kinds_of
from symbp.machine.compile import machine_code, processor
from symbp.machine.function import TINY
from symbp.machine.module import Module
from symbp.machine.values import NotCovered
from tests.machine.texts import HEAD, machine, same

X = np.array([0.5, -1.5, 3.0, 0.0, 7.25])


def run(lines, head="", options='nogil=True, error_model="numpy"'):
    body = "\n".join("    " + line for line in lines.strip("\n").split("\n"))
    return f"{head}\n@njit({options})\ndef run(x, out):\n{body}\n"


BODIES = {
    "loops": """
for i in range(1, 4):
    for j in range(0, 5, 2):
        out[i] += x[j]
""",
    "while": """
k = 0
while k < 5 and x[k] != 3.0:
    k += 1
out[0] = float(k)
""",
    "if": """
for k in range(5):
    if x[k] > 1:
        out[k] = 1.0
    elif x[k] < 0:
        out[k] = 2.0
    else:
        pass
""",
    "fill": """
out[1:4] = 2.5
out[0] -= x[0]*3
""",
    "tuple": """
a, b = (x, out), (x[0],)
c, d = a
d[0] = c[1] + b[0]
""",
    "accumulated": """
total = 0.0
for k in range(5):
    total += x[k]
    out[k] = total
""",
    "none": """
for k in range(3, 3):
    out[k] = 1.0
""",
    "nested": """
for k in range(2):
    n = k
    while n < 4:
        if x[n] > 0:
            out[n] += float(n)
        n += 2
""",
    "retyped": """
for k in range(2):
    t = k > 0
    out[k] = 1.0 if t else 2.0
for k in range(2, 4):
    t = x[k]*2
    out[k] = t
""",
}


@pytest.mark.parametrize("body", BODIES)
def test_bodies(body):
    same(run(BODIES[body]), X, np.zeros(5))


def test_a_variable_of_one_type_or_another_is_left_to_numba():
    merged = """
if x[0] > 0:
    t = 1
else:
    t = 2.5
out[0] = t
"""
    carried = """
t = 1
for k in range(3):
    out[k] = t
    t = x[k]
"""
    for lines in (merged, carried):
        with pytest.raises(NotCovered, match="t "):
            machine(run(lines))


def test_calls_of_other_functions_and_their_errors():
    head = """
@njit(error_model="numpy")
def halved(a):
    if a < 0.0:
        return -a/2
    return a/2

@njit(nogil=True)
def checked(a, k):
    if a[k] > 5:
        raise ValueError("too large")
"""
    text = run("for k in range(5):\n    out[k] = halved(x[k])\n    checked(x, k)", head)
    small = np.minimum(X, 4.0)
    assert same(text, small, np.zeros(5))[1].tolist() == [0.25, 0.75, 1.5, 0.0, 2.0]
    function, out = machine(text), np.zeros(5)
    for _ in range(3):
        with pytest.raises(ValueError, match="too large"):
            function(X, out)
    assert out.tolist() == [0.25, 0.75, 1.5, 0.0, 3.625]


def test_errors_have_their_own_messages():
    lines = """
work = room(4, 0.0)
if x.size != 5:
    raise ValueError("x must have 5 entries")
if x[0] > 1:
    raise ValueError("x is too large")
out[0] = 1.0
keep(work)
"""
    function = machine(run(lines))
    function(X, np.zeros(1))
    with pytest.raises(ValueError, match="must have 5"):
        function(X[:4].copy(), np.zeros(1))
    with pytest.raises(ValueError, match="too large"):
        function(X + 2, np.zeros(1))


def test_rooms_are_given_back_and_too_large_ones_are_errors():
    resource = pytest.importorskip("resource")
    lines = """
work = room(int(x[0]), 0.0)
work[0] = 1.0
out[0] = work[0]
keep(work)
"""
    function = machine(run(lines.replace("int(x[0])", "x.size*100000")))
    out = np.zeros(1)
    function(X, out)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(300):
        function(X, out)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 50_000
    huge = machine(run(lines.replace("int(x[0])", "x.size*1000000000000000")))
    with pytest.raises(MemoryError):
        huge(X, out)


def test_what_may_be_reordered_is_what_the_text_says():
    text = run(
        "total = f32(0.0)\nfor k in range(x.size):\n    total += x[k]\nout[0] = total",
        options='error_model="numpy", fastmath={"reassoc", "contract"}',
    )
    kinds = [("float32", 1), ("float32", 1)]
    x, out = np.arange(100, dtype=np.float32), np.zeros(1, np.float32)
    machine(text, kinds=kinds)(x, out)
    assert out[0] == 4950


@pytest.mark.parametrize(
    "lines",
    [
        "for k in range(4, 0, -1):\n    out[k] = 1.0",
        "for a in x:\n    out[0] = a",
        "for k in range(2):\n    pass\nelse:\n    out[0] = 1.0",
        "while x[0] > 1:\n    pass\nelse:\n    out[0] = 1.0",
        "raise TypeError('no')",
        "out[:2] = 1.0",
        "out[0:4:2] = 1.0",
        "out[0] = x",
        "del x",
        "assert x[0] > 0",
        "return x",
        "a = b = x[0]",
        "for k in range(2):\n    work = room(3, 0.0)\n    keep(work)",
    ],
)
def test_other_forms_are_left_to_numba(lines):
    with pytest.raises(NotCovered):
        machine(run(lines))


ADDED = """
work = room(1000, 0.0)
left = view(work, at(0), ({n},))
right = view(x, at(0), ({n},))
for k in range(opaque({n})):
    left[k] = left[k] + right[k]
out[0] = left[0]
"""


def lowered(lines):
    """The function for LLVM."""
    module = Module(HEAD + run(lines))
    module.export({"run": kinds_of([("float64", 1)] * 2)})
    return module.parsed()


def optimised(lines):
    """LLVM's text of it after its passes."""
    parsed = lowered(lines)
    machine_code(parsed)
    return str(parsed)


@pytest.mark.parametrize("rounds", [TINY, 64, 500])
def test_loops_of_known_length_have_vectors_and_nothing_beside_them(rounds):
    text = optimised(ADDED.format(n=rounds))
    assert "asm" not in text
    assert " x double>" in text
    assert "epilog" not in text or rounds % 64


def test_short_loops_are_of_known_length_where_one_vector_with_masks_will_do(monkeypatch):
    short, over = ADDED.format(n=TINY - 5), ADDED.replace("work = room(1000, 0.0)", "work = out")
    if "+avx512f" in processor()[1]:
        assert "masked.store" in optimised(short)
    assert "asm" in optimised(over.format(n=TINY - 5))
    monkeypatch.setattr("symbp.machine.function.processor", lambda: ("generic", ""))
    assert "asm" in optimised(short)


def test_loops_that_are_not_to_be_written_out_are_not():
    kept = str(lowered(ADDED.format(n=8)))
    assert "llvm.loop.unroll.full" not in kept
    assert "llvm.loop.unroll.full" in str(lowered(ADDED.replace("opaque({n})", "{n}").format(n=8)))


def test_nothing_looks_whether_a_room_overlaps_with_an_argument():
    text = optimised(ADDED.replace("opaque({n})", "{n}").format(n=100))
    assert "vector.body" in text
    assert "conflict" not in text
