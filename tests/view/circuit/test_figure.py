"""PNG and PDF through matplotlib."""

import sys
import warnings

import pytest
import sympy as sp

import symbp as sb
from tests.view.circuit.pictures import PICTURES, chain_rule
from tests.view.circuit.test_svg import HOSTILE


@pytest.mark.parametrize("name", PICTURES)
def test_png(name, tmp_path):
    from matplotlib.image import imread

    c = PICTURES[name]()
    pixels = imread(c.save(tmp_path / "c.png"))
    figure = c.figure()
    assert pixels.shape[:2] == pytest.approx([192 * s for s in reversed(figure.get_size_inches())], abs=2)
    dark = (pixels[..., :3].max(axis=-1) < 0.2).mean()
    assert 0.0005 < dark < 0.2


def test_pdf(tmp_path):
    assert chain_rule().save(tmp_path / "c.pdf").read_bytes().startswith(b"%PDF")


def test_hostile_names_make_no_noise(tmp_path):
    c = sb.circuit(sp.Add(*map(sp.Symbol, HOSTILE)), dict.fromkeys(HOSTILE, 1.0))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert c.save(tmp_path / "c.png").stat().st_size > 10_000


def test_a_very_tall_picture(tmp_path):
    from matplotlib.image import imread

    c = sb.circuit(sp.Add(*sp.symbols("s1:399")))
    assert max(imread(c.save(tmp_path / "c.png")).shape) <= 20_001


def test_no_global_state(tmp_path):
    import matplotlib.pyplot as plt

    before = plt.get_fignums()
    chain_rule().save(tmp_path / "c.png")
    assert plt.get_fignums() == before


def test_without_matplotlib(monkeypatch, tmp_path):
    for name in list(sys.modules):
        if name.split(".")[0] == "matplotlib":
            monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(sb.SymbpError) as caught:
        chain_rule().save(tmp_path / "c.png")
    assert caught.value.hint == "pip install 'symbp[plot]'"
    assert chain_rule().save(tmp_path / "c.svg").exists()
