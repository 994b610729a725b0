"""Texts are bounded before they are parsed, and what has no meaning is named."""

import pytest

from symbp.spec import limits
from symbp.spec.limits import LimitError, check_text


def refusal(text: str) -> LimitError:
    with pytest.raises(LimitError) as caught:
        check_text(text)
    return caught.value


@pytest.mark.parametrize(
    ("most", "text"),
    [
        (limits.MAX_LENGTH, lambda n: "s" + " " * (n - 1)),
        (limits.MAX_DIGITS, lambda n: "9" * n),
        (limits.MAX_DIGITS, lambda n: "0." + "1" * (n - 3) + "e10"),
        (limits.MAX_DIGITS, lambda n: "1_" * (n - 1) + "1"),
        (limits.MAX_BRACKETS, lambda n: "(" * n + "s" + ")" * n),
        (limits.MAX_BRACKETS, lambda n: "x[" * n + "0" + "]" * n),
        (limits.MAX_BRACKETS, lambda n: "(" + "x[0]" * 3 + "+" + "(" * (n - 1) + "s" + ")" * n),
        (limits.MAX_SIGNS, lambda n: "-" * n + "s"),
        (limits.MAX_SIGNS, lambda n: "- " + "+" * (n - 2) + " -s"),
        (limits.MAX_SIGNS, lambda n: "not " * n + "s"),
        (limits.MAX_TOWER, lambda n: "s" + "**s" * n),
        (limits.MAX_TOWER, lambda n: "s" + "**-s" * n),
        (limits.MAX_TOWER, lambda n: "s" + "**f(t)" * n),
        (limits.MAX_DEPTH, lambda n: "s" + "+s" * n),
        (limits.MAX_DEPTH, lambda n: "s" + "*s" * (n - 601) + "*(s" + "-s" * 600 + ")"),
        (limits.MAX_DEPTH, lambda n: "s + s, s" + "+s" * n),
        (limits.MAX_DEPTH, lambda n: "s" + ".T" * n),
        (limits.MAX_DEPTH, lambda n: "s" + "[0]" * n),
        (limits.MAX_DEPTH, lambda n: "s" + " and s" * n),
    ],
)
def test_each_limit_is_where_it_says(most, text):
    check_text(text(most))
    assert f"{most:,}" in refusal(text(most + 1)).problem


@pytest.mark.parametrize(
    "text",
    [
        ", ".join(["s" + "+s" * 1_500] * 3),  # depth is counted per argument
        "(" + ")+(".join(["s" + "**s" * 10] * 5) + ")",  # towers end with the brackets around them
        "s" + "**s" * 10 + "*t" + "**s" * 10,  # and with any other operator
        "f(" + ",".join(["s" + "**s" * 10] * 3) + ")",
        "-".join(["s"] * 50),
        " ".join(["(s)"] * 100),  # beside each other, not nested
    ],
)
def test_what_is_beside_each_other_does_not_add_up(text):
    check_text(text)


@pytest.mark.parametrize(
    ("text", "offset", "problem", "hint"),
    [
        ("", 0, "empty", None),
        (" \n\t", 0, "empty", None),
        ("s^2", 1, "'^'", "**"),
        ("a & b", 2, "'&'", "`and`"),
        ("|s|", 0, "'|'", "abs(x)"),
        ("s⊙t", 1, "'⊙'", "hadamard"),
        ("s − t", 2, "'−'", "ASCII"),
        ("s\0", 1, "U+0000", None),
        ("s\u202e", 1, "U+202E", None),
        ("s$", 1, "'$'", None),
        ("2x", 1, "runs into 'x'", "2*x"),
        ("0x10", 1, "runs into 'x10'", None),
        ("1e", 1, "runs into 'e'", None),
        ("1.2.3", 3, "malformed", None),
        ("x²", 0, "'x²' is not a name", "**"),
        ("s if t else 0", 2, "the word 'if'", "where("),
        ("lambda", 0, "the word 'lambda'", None),
        ("None", 0, "the word 'None'", None),
        ("(s", 0, "never closed", None),
        ("(s + [t)", 7, "closes no bracket", None),
        ("s)", 1, "closes no bracket", None),
    ],
)
def test_refusals_name_the_place_and_a_way_out(text, offset, problem, hint):
    error = refusal(text)
    assert error.offset == offset
    assert problem in error.problem
    assert hint is None or hint in error.hint


@pytest.mark.parametrize(
    "text", ["True and not False", "s or t", "1e5 + .5 + 5. + 1_000", "σ_1*ß", "a == b != c"]
)
def test_what_may_pass(text):
    check_text(text)
