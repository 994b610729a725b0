"""The page holds everything, loads nothing, and says where a check fails."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import sympy as sp

import symbp as sb
from symbp.errors import DataError, GradientError
from symbp.view.report import page
from tests.catalogue import CATALOGUE
from tests.view.test_html import EVIL, Checked, assert_inert, evil_derivation

HEADINGS = [
    "Symbols",
    "Forward",
    "Backward",
    "Circuit",
    "Rewrites",
    "Gradient check",
    "Cost",
    "Generated source",
]


@pytest.fixture(scope="module")
def model():
    net = sb.mlp(
        [3, 4, 2], activation="sigmoid", output="sigmoid", loss="binary_cross_entropy", name="a <net>"
    )
    return sb.compile(net)


@pytest.fixture(scope="module")
def text(model, tmp_path_factory):
    path = model.report(tmp_path_factory.mktemp("report") / "net.html")
    return path.read_text(encoding="utf-8")


def words(text):
    return "".join(Checked(text).text)


def test_it_is_one_inert_page(text):
    parsed = Checked(text.replace("<!DOCTYPE html>", ""))
    assert_inert(parsed)
    assert "default-src 'none'" in text
    assert "@import" not in text
    assert "url(" not in text
    assert text.count("<title>a &lt;net&gt;</title>") == 1


def test_it_has_all_sections_in_order(text):
    places = [text.index(f"{heading}</h2>") for heading in HEADINGS]
    assert places == sorted(places)
    for k in range(len(HEADINGS)):
        assert f'href="#s{k}"' in text
        assert f'id="s{k}"' in text


def test_what_the_sections_say(text):
    shown = words(text)
    assert "complex step" in shown
    assert "the same bits: passed" in shown
    assert "one formula from several equations" in shown
    assert "def value_and_grad_into(" in shown
    assert "times the operations of the forward pass" in shown
    assert "48 bytes in float64" in shown
    assert "Derived in" in shown
    assert "prefers-color-scheme: dark" in text


def test_data_and_theta_of_the_user(model):
    theta = np.linspace(-1, 1, model.size)
    x, y = np.ones((4, 3)), np.full((4, 2), 0.5)
    assert "Gradient check" in page(model, theta, {"x": x, "y": y})
    with pytest.raises(DataError):
        page(model, theta, {"x": x})
    with pytest.raises(DataError):
        page(model, theta[:3], {"x": x, "y": y})


def test_a_check_that_fails_is_shown(model, monkeypatch):
    report = model.check()
    bad = replace(report, rows=tuple(replace(r, error=0.5, worst="W1[0, <0>]") for r in report.rows))

    def fail(*_, **__):
        raise GradientError("wrong", report=bad)

    monkeypatch.setattr(model, "check", fail)
    shown = page(model)
    assert "FAILED" in shown
    assert 'class="failed"' in shown
    assert "W1[0, &lt;0&gt;]" in shown


def test_names_of_users_are_text():
    derivation = evil_derivation(EVIL)
    shown = page(sb.compile(derivation.network, cache=False))
    parsed = Checked(shown.replace("<!DOCTYPE html>", ""))
    assert_inert(parsed)
    assert "b" not in parsed.tags


@pytest.mark.parametrize("name", ["labels_softmax", "rotation", "rosenbrock", "convolution"])
def test_models_of_all_kinds(name):
    Checked(page(sb.compile(CATALOGUE[name].network())).replace("<!DOCTYPE html>", ""))


def test_without_a_loss():
    x, a = sb.vector("x", 3), sb.vector("a", 3)
    shown = page(sb.compile(sb.Network([sp.Eq(a, sb.tanh(x))], inputs=[x])))
    assert "Forward</h2>" in shown
    assert "Backward</h2>" not in shown
    assert "Gradient check</h2>" not in shown


def test_symbolic_dimensions_come_from_the_data(tmp_path):
    n = sp.Symbol("n", integer=True, positive=True)
    x, w, E = sb.vector("x", n), sb.vector("w", n), sp.Symbol("E")
    model = sb.compile(sb.Network([sp.Eq(E, sb.dot(w, x) ** 2)], inputs=[x], parameters=[w], loss=E))
    path = model.report(tmp_path / "net.html", x=np.ones((2, 5)))
    assert "<mn>5</mn>" in path.read_text(encoding="utf-8")


def test_the_template_and_the_style_are_installed_with_the_package():
    folder = Path(sb.__file__).parent / "view" / "report"
    settings = (Path(sb.__file__).parent.parent / "pyproject.toml").read_text(encoding="utf-8")
    for file in ("page.html", "style.css"):
        assert (folder / file).exists()
        assert f'"view/report/*.{file.rsplit(".", 1)[1]}"' in settings
