"""A circuit as an object: gates by name, files, notebooks."""

import subprocess
import sys

import pytest
import sympy as sp

import symbp as sb
from tests.view.circuit.pictures import PICTURES, chain_rule, x, y


def test_gates_by_name_or_symbol():
    c = chain_rule()
    assert c["g1"].operation == "+"
    assert c[x] is c["x"] is c.gates[0]
    assert [g.is_symbol for g in c] == [True, True, True, False, False]
    assert len(c) == 5
    with pytest.raises(sb.DataError, match="no gate 'q'") as caught:
        c["q"]
    assert "x, y, z, g1, f" in caught.value.hint


def test_representations():
    c = chain_rule()
    assert repr(c) == "Circuit of 2 gates and 3 inputs, per operation"
    assert str(c) == c.text()
    assert c._repr_svg_() == c.svg()
    assert len(repr(PICTURES["mixed"]()["f"])) < 500


def test_files(tmp_path):
    c = chain_rule()
    assert c.save(tmp_path / "c.svg").read_text(encoding="utf-8") == c.svg()
    assert c.save(str(tmp_path / "c.TXT")).read_text(encoding="utf-8") == c.text() + "\n"
    for name in ("c.gif", "c", "svg", ".png"):
        with pytest.raises(sb.DataError, match="cannot be saved as"):
            c.save(tmp_path / name)
    for path in (None, 3, b"c.svg"):
        with pytest.raises(sb.DataError, match="a path is needed"):
            c.save(path)
    for ending in ("svg", "png", "txt"):
        with pytest.raises(sb.SymbpError, match="cannot be written"):
            c.save(tmp_path / "none" / f"c.{ending}")


def test_the_width_is_kept():
    c = PICTURES["network"]()
    assert "width=" in c.svg(600)
    wide, narrow = (float(c.svg(w).split('width="')[1].split('"')[0]) for w in (3000, 700))
    assert narrow <= 700 < wide


@pytest.mark.parametrize("width", [0, -1, float("nan"), "wide", None])
def test_a_width_is_a_positive_number(width, tmp_path):
    c = chain_rule()
    for draw in (c.text, c.svg, c.figure, lambda w: c.save(tmp_path / "c.svg", w)):
        with pytest.raises(sb.DataError, match="the width is"):
            draw(width)


def test_a_circuit_is_safe_in_threads():
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(4) as pool:
        pictures = list(pool.map(lambda _: sb.circuit(sp.sin(x) * y, {x: 1, y: 2}).svg(), range(16)))
    assert len(set(pictures)) == 1


def test_importing_symbp_loads_no_plotting_library():
    code = "import sys, symbp; print([m for m in ('igraph', 'matplotlib') if m in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert run.stdout.strip() == "[]", run.stderr
