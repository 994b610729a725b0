import math
import random

import numpy as np
import pytest

from symbp.codegen.names import Namer
from symbp.codegen.python_source import WIDEST, PythonText
from symbp.codegen.scalar import Code

LOADS = {"x": 1.25, "y": -0.75, "z": 3.0}
NAMES = {
    "math": math, "np": np, "f32": np.float32, "maximum": max, "minimum": min, "sign": np.sign, "k": 2,
    "power": math.pow,
    "s": 0.5, "x_row": LOADS["x"], **LOADS,
}  # fmt: skip


def writer(code, single=False):
    return PythonText(code, lambda tensor, *_: tensor, Namer(), single)


def run(text, roots, named=None):
    """What the written lines and expressions evaluate to."""
    expressions = text.write(roots, named)
    local = dict(NAMES)
    for line in text.lines:
        exec(line, local)
    return [eval(e, local) for e in expressions]


def arithmetic(a, op, b):
    return {"+": a + b, "-": a - b, "*": a * b, "/": a / b if b else math.nan}[op]


@pytest.mark.parametrize("seed", range(40))
def test_random_code_means_what_it_computes(seed):
    """Parentheses are left out only where that does not change the value."""
    draw, code = random.Random(seed), Code()
    values = {code("load", name, ()): v for name, v in LOADS.items()}
    values |= {code.const(v): v for v in (-2.0, 0.5, 3.0)} | {code("int", "k"): 2.0, code("local", "s"): 0.5}
    for _ in range(25):
        a, b, c = (draw.choice(list(values)) for _ in range(3))
        kind = draw.choice(["+", "-", "*", "/", "neg", "abs", "max", "min", "select", "pow"])
        if kind in "+-*/":
            if kind == "/" and abs(values[b]) < 1e-3:
                continue
            new = {code(kind, a, b): arithmetic(values[a], kind, values[b])}
        elif kind == "neg":
            new = {code("neg", a): -values[a]}
        elif kind == "abs":
            new = {code("abs", a): abs(values[a])}
        elif kind == "pow":
            new = {code("pow", code("abs", a), code.const(1.5)): abs(values[a]) ** 1.5}
        elif kind == "select":
            condition = code(draw.choice(["and", "or"]), code("<", a, b), code("not", code(">=", b, c)))
            both = values[a] < values[b], not values[b] >= values[c]
            chosen = all(both) if code.lines[condition][0] == "and" else any(both)
            new = {code("select", condition, b, c): values[b] if chosen else values[c]}
        else:
            new = {code(kind, a, b): (max if kind == "max" else min)(values[a], values[b])}
        if abs(next(iter(new.values()))) < 1e12:
            values |= new
    roots = draw.sample(list(values), 5)
    np.testing.assert_allclose(run(writer(code), roots), [values[r] for r in roots], rtol=1e-9)


def test_what_is_used_twice_gets_a_name():
    code = Code()
    x = code("load", "x", ())
    square = code("*", x, x)
    text = writer(code)
    assert text.write([code("+", square, code("call", "sin", square))]) == ["t1 + sin(t1)"]
    assert text.lines == ["x_value = x", "t1 = x_value*x_value"]


def test_what_is_asked_for_by_name_is_written_once():
    code = Code()
    total = code("+", code("load", "x", ()), code("load", "y", ()))
    text = writer(code)
    assert text.write([total], {total: "named"}) == ["named"]
    assert text.lines == ["named = x + y"]
    assert text.write([code("*", total, total)]) == ["named*named"]
    assert len(text.lines) == 1


def test_wide_lines_are_broken():
    code, total = Code(), None
    for k in range(40):
        term = code("*", code("load", "x", ()), code.const(float(k)))
        total = term if total is None else code("+", total, term)
    text = writer(code)
    (result,) = text.write([total])
    assert len(text.lines) > 2
    assert max(map(len, [*text.lines, result])) < 2 * WIDEST
    assert run(writer(code), [total]) == [LOADS["x"] * sum(range(40))]


def test_single_precision():
    code = Code()
    x = code("load", "x", ())
    values = [
        code("+", x, code.const(0.1)),
        code("call", "digamma", x),
        code("call", "exp", x),
        code("int", "k"),
    ]
    texts = writer(code, single=True).write(values)
    assert texts[0].endswith(" + f32(0.1)")
    assert texts[1].startswith("f32(digamma(float(")
    assert texts[2].startswith("exp(")
    assert texts[3] == "f32(k)"


def test_constants_without_a_literal():
    code = Code()
    constants = [float("inf"), float("-inf"), float("nan"), -2.0]
    found = run(writer(code), [code.const(v) for v in constants])
    np.testing.assert_array_equal(found, constants)
    negative = code("pow", code.const(-2.0), code.const(2.0))
    assert run(writer(code), [negative]) == [4.0]


def test_conditions_have_names_that_no_number_has():
    """A variable that changes its type in a loop would leave the text to Numba, which takes seconds."""
    code = Code()
    x = code("load", "x", ())
    holds = code("<", x, code.const(1.0))
    text = writer(code)
    total = code("+", code("select", holds, x, code.const(2.0)), code("select", holds, code.const(3.0), x))
    (result,) = text.write([total])
    assert text.lines[-1].startswith("holds = ")
    assert "holds" in result
