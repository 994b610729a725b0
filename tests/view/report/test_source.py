"""Each formula stands beside the lines that compute it."""

from __future__ import annotations

import pytest

import symbp as sb
from symbp.view.report.source import MAX_SOURCE, source_section, source_style, split, statements
from tests.catalogue import CATALOGUE
from tests.view.test_html import Checked


@pytest.fixture(scope="module")
def model():
    return sb.compile(sb.mlp([3, 4, 2], activation="tanh"))


def test_no_line_is_lost(model):
    parts = list(split(model.source, statements(model)))
    assert [line for part in parts for line in part.lines] == model.source.splitlines()


def test_formulas_are_those_that_the_function_stores(model):
    known = statements(model)
    parts = [p for p in split(model.source, known) if p.formulas]
    assert {s.target for p in parts for s in p.formulas} == {s.target for s in known.values()}
    for part in parts:
        text = "\n".join(part.lines)
        stored = {s.target for s in part.formulas}
        # Products write to an address, below the formula as a comment.
        named = any(name.replace("/", "_").replace(" ", "_") in text for name in stored)
        assert named or ("multiply" in text and all(f"# {name}" in text for name in stored))


def test_the_section(model):
    text = source_section(model)
    parsed = Checked(text)
    shown = "".join(parsed.text)
    assert parsed.tags.count("pre") > 5
    assert "import numpy as np" in shown
    assert "for n in range(rows):" in shown
    assert "# z1[n, i]" not in text.split("<details>")[0]  # the formula stands beside it instead


@pytest.mark.parametrize("name", ["attention", "two_layers_in_scalars", "polynomial"])
def test_every_kind_of_kernel(name):
    Checked(source_section(sb.compile(CATALOGUE[name].network())))


def test_forward_only(model):
    net = model.network
    alone = sb.compile(sb.Network(net.equations[:2], inputs=net.inputs[:1], parameters=net.parameters))
    assert "def forward_into(" in "".join(Checked(source_section(alone)).text)


def test_long_modules_are_cut(model, monkeypatch):
    monkeypatch.setattr("symbp.view.report.source.MAX_SOURCE", 30)
    text = source_section(model)
    assert "more lines" in text
    assert text.count("\n") < 200 < MAX_SOURCE


def test_colours_by_day_and_night():
    day, night = source_style().split("@media (prefers-color-scheme: dark)")
    assert ".code .k" in day
    assert ".code .k" in night
