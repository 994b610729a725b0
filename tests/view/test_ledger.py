"""The ledger tells every rewrite, and equal ones once."""

from __future__ import annotations

import copy
import pickle

import pytest
import sympy as sp

import symbp as sb
from symbp.ir.nodes import Access, Index
from symbp.passes.simplify.ledger import Step
from symbp.view.latex import LatexPrinter
from symbp.view.ledger import MAX_GROUPS, Steps, summary
from symbp.view.mathml import MathMLPrinter
from symbp.view.text import TextPrinter
from tests.catalogue import CATALOGUE, NAMES


def step(target="a", before=None, **changes):
    z, a = Access("z"), Access(target)
    fields = {"rule": "reuse", "saved": 40, "verified": "symbolically", "loss": ""}
    return Step(target=target, before=before or 1 - sp.tanh(z) ** 2, after=1 - a**2, **{**fields, **changes})


def test_a_block_says_everything():
    x, w, z, a, E = sp.symbols("x w z a E")
    equations = [sp.Eq(z, w * x), sp.Eq(a, 1 / (1 + sp.exp(-z))), sp.Eq(E, a**2)]
    ledger = sb.derive(sb.Network(equations, inputs=[x], parameters=[w], loss=E)).ledger
    assert str(ledger).split("\n\n")[0].splitlines() == [
        "reuse of the output",
        "  in        a = 1/(1 + exp(-z))",
        "  before    exp(-z)/(1 + exp(-z))**2",
        "  after     a*(1 - a)",
        "  saves     47 multiplications per entry",
        "  verified  symbolically",
        "  gives up  relative accuracy where the derivative is small; the error stays",
        "              below the rounding of its maximum",
    ]


def test_an_equation_of_the_backward_pass_is_named():
    (block,) = [b for b in str(CATALOGUE["two_layers_in_scalars"].derivation.ledger).split("\n\n")
                if "in        delta2" in b]  # fmt: skip
    assert "after     a2 - y" in block
    assert block.splitlines()[-1] == "  gives up  no accuracy"


def test_equal_rewrites_of_a_deep_network_are_one():
    d = sb.derive(sb.mlp([2] * 21))
    assert len(d.ledger) == 19
    (group,) = d.ledger.groups
    assert group.title == "reuse of the output, in 19 equations"
    assert (len(group.places), group.more) == (3, 16)
    assert "... and 16 more" in str(d.ledger)
    assert summary(d.ledger) == ["a19, a18, a17 and 16 more: 1 - tanh(z19)**2  ->  1 - a19**2"]


@pytest.mark.parametrize(
    "other", [step(saved=39), step(rule="other"), step(verified="at 9 points"), step(loss="some"),
              step(before=sp.sech(Access("z")) ** 2)],
)  # fmt: skip
def test_what_differs_is_told_apart(other):
    assert len(Steps([step(), step("b"), other]).groups) == 2


def test_costs_and_nothing():
    assert "costs     4 multiplications per entry" in str(Steps([step(saved=-4)]))
    assert "saves     nothing" in str(Steps([step(saved=0)]))
    assert "saves     1 multiplication per entry" in str(Steps([step(saved=1)]))
    assert str(Steps()) == "Nothing was rewritten."


def test_lines_fit_a_terminal():
    for name in ("dense_softmax", "attention", "dense_gelu", "loss_cross_entropy"):
        ledger = CATALOGUE[name].derivation.ledger
        assert max(map(len, [*str(ledger).splitlines(), *summary(ledger)]), default=0) <= 80, name


def test_many_kinds_are_cut_and_counted():
    i = Index("i", 3)
    many = Steps(step(before=sp.sin(Access("z", i)) ** k) for k in range(2, MAX_GROUPS + 7))
    assert str(many).endswith("... 5 more kinds of rewrites")
    assert summary(many)[-1] == "... 5 more kinds of rewrites"


def test_it_is_a_tuple_of_steps():
    ledger = CATALOGUE["dense_tanh"].derivation.ledger
    assert isinstance(ledger, tuple)
    assert isinstance(ledger[0], Step)
    for again in (copy.deepcopy(ledger), pickle.loads(pickle.dumps(ledger))):
        assert again == ledger
        assert str(again) == str(ledger)


def test_hostile_names_stay_on_their_line():
    text = str(Steps([step("a\nb\x1b[31m")]))
    assert "\x1b" not in text
    assert "a\\x0ab\\x1b[31m" in text


@pytest.mark.parametrize("name", NAMES)
def test_no_function_of_the_compiler_is_named(name):
    """Ways of computing are shown as the formulas that they are."""
    derivation = CATALOGUE[name].derivation
    text = str(derivation.ledger) + str(derivation)
    for internal in ("times_logarithm", "one_plus_erf", "compensated_exp", "first("):
        assert internal not in text


def test_what_happened_to_a_temporary_is_told_of_its_equation():
    derivation = sb.derive(sb.mlp([2, 3], loss="softmax_cross_entropy"))
    text = str(derivation)
    rewrites = " ".join(text[text.index("Rewrites") :].split())
    assert "E: y ⊙ (z1 - log(s_E) - m_E) -> 0 if y == 0 else" in rewrites
    assert "u1_E" not in text
    assert "in        E = -sum(y ⊙" in str(derivation.ledger)


def test_the_sum_over_a_declared_total_is_shown_as_a_sum():
    y, z = sb.one_hot("y", 4), sb.vector("z", 4)
    w, loss = sb.vector("w", 4), sp.Symbol("E")
    equations = [sp.Eq(z, w), sp.Eq(loss, sb.softmax_cross_entropy(z, y))]
    derivation = sb.derive(sb.Network(equations, inputs=[y], parameters=[w], loss=loss))
    assert "sum(y)  ->  1" in str(derivation)
    assert "before    sum(y)\n  after     1" in str(derivation.ledger)
    (step,) = [s for s in derivation.ledger if s.bound]
    assert (step.after, len(step.bound), step.indices) == (1, 1, ())


def test_temporaries_of_the_backward_pass_are_written_out():
    """One line of the derivation is one formula in the ledger too."""
    text = str(CATALOGUE["labels_softmax"].derivation.ledger)
    assert "part1" not in text
    z, p, W, x = sb.vector("z", 3), sb.vector("p", 3), sb.matrix("W", 3, 2), sb.vector("x", 2)
    y, E = sb.label("y"), sb.scalar("E")
    entropy = sp.Eq(E, -sp.log(p[y, 0]))
    net = sb.Network(
        [sp.Eq(z, W * x), sp.Eq(p, sb.softmax(z)), entropy], inputs=[x, y], parameters=[W], loss=E
    )
    assert "after     p - one_hot(y)" in str(sb.derive(net).ledger)


@pytest.mark.parametrize("name", NAMES)
def test_every_rewrite_changes_what_is_shown(name):
    for group in CATALOGUE[name].derivation.ledger.groups:
        assert TextPrinter().show(group.before) != TextPrinter().show(group.after), group.title


def test_a_factor_taken_out_of_a_sum_is_seen_inside_and_outside():
    z, p, y, E = sb.vector("z", 3), sb.vector("p", 3), sb.vector("y", 3), sb.scalar("E")
    w = sb.vector("w", 3)
    loss = sp.Eq(E, sb.cross_entropy(p, y))
    net = sb.Network([sp.Eq(z, w), sp.Eq(p, sb.softmax(z)), loss], inputs=[y], parameters=[w], loss=E)
    text = " ".join(str(sb.derive(net).ledger).split())
    assert "before sum(y/s_p) after sum(y)/s_p" in text


def test_the_derivative_by_a_temporary_is_a_formula():
    ledger = sb.derive(sb.mlp([2, 3], loss="softmax_cross_entropy")).ledger
    (place,) = [p for g in ledger.groups if g.first.bound for p in g.places]
    assert TextPrinter().show(place) == "dE/d(log(s_E))"
    assert LatexPrinter().show(place) == r"\frac{\partial E}{\partial \log\left(s_{E}\right)}"
    shown = MathMLPrinter().show(place)
    assert shown.startswith("<mfrac>")
    assert "log(" not in shown


def test_a_derivative_that_is_simpler_without_its_output_is_no_reuse_of_it():
    z, a, E = sb.vector("z", 2), sb.vector("a", 2), sb.scalar("E")
    t = sp.Symbol("t")
    activation = sp.Eq(a, z.applyfunc(sp.Lambda(t, t / sp.sqrt(1 + t**2))))
    net = sb.Network([activation, sp.Eq(E, sb.squared_norm(a))], parameters=[z], loss=E, batch=False)
    assert [g.title for g in sb.derive(net).ledger.groups] == ["simpler form of a derivative"]
