"""Model files are bounded before TOML is read."""

import contextlib
import time

import pytest

from symbp.errors import SpecError
from symbp.spec import toml_limits
from symbp.spec.toml_limits import bare, check_toml


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1", "a = 1"),
        ("a = 'b' # c", 'a = """    '),
        ('a = "b"', 'a = """'),
        ('"a.b" = 1', '""""" = 1'),
        (r'a = "b\"c" d', r'a = """""" d'),
        (r"a = 'b\' c", r'a = """" c'),
        ('a = """b\n"c\n"""d', 'a = """"\n""\n"""d'),
        ("a = '''b\n'c\n'''d", 'a = """"\n""\n"""d'),
        ("a = \"b # c\" # 'd'", 'a = """""""      '),
        ("a = 'b\nc = 1", 'a = ""\nc = 1'),  # never closed: ends with the line
        ('a = """b\nc = 1', 'a = """"\n"""""'),  # never closed: ends with the file
        ("# 'a\nb = 1", "    \nb = 1"),
    ],
)
def test_strings_and_comments_are_blanked_out(text, expected):
    assert bare(text) == expected


@pytest.mark.parametrize(
    ("most", "text", "column"),
    [
        (toml_limits.MAX_WORD, lambda n: "x = " + "9" * n, 5),
        (toml_limits.MAX_WORD, lambda n: "x = 0x" + "f" * (n - 2), 5),
        (toml_limits.MAX_WORD, lambda n: "x = 1" + "_1" * ((n - 1) // 2) + "1" * ((n - 1) % 2), 5),
        (toml_limits.MAX_WORD, lambda n: "k-" * (n // 2) + "k" * (n % 2) + " = 1", 1),
        (toml_limits.MAX_DOTS, lambda n: "a" + ".a" * n + " = 1", 1),
        (toml_limits.MAX_DOTS, lambda n: "a" + ' . "b.c"' * n + " = 1", 1),
        (toml_limits.MAX_DOTS, lambda n: "[a" + ".a" * n + "]", 2),
        (toml_limits.MAX_DOTS, lambda n: "x = {a" + ".a" * n + " = 1}", 6),
        (toml_limits.MAX_NESTED, lambda n: "x = " + "[" * n + "]" * n, 25),
        (toml_limits.MAX_NESTED, lambda n: "x = " + "[]" * 30 + "[" * n + "]" * n, 85),
    ],
)
def test_each_limit_is_where_it_says(most, text, column):
    check_toml(bare(text(most)))
    with pytest.raises(SpecError) as caught:
        check_toml(bare("\n# comment\n" + text(most + 1)))
    assert f"more than {most:,}" in caught.value.problem
    assert (caught.value.line, caught.value.column) == (3, column)


def test_what_is_inside_of_strings_does_not_count():
    long = "a." * 100 + "9" * 2_000 + "[" * 100
    check_toml(bare(f"a = '{long}' # {long}\nb = '''\n{long}'''\n"))


@pytest.mark.parametrize(
    "text",
    [
        'x = "' + '\\"' * 200_000,
        "x = " + '\\"' * 200_000,
        "'''" * 150_000,
        "\"\"\"\n'''\n" * 60_000,
        '#"' * 200_000,
        ("a" * 1_000 + " ") * 490,
        ("a" * 999 + ". ") * 490,
        ("a" + " " * 3_000 + ".") * 160,
        "[" * 400_000,
        "]" * 400_000,
        " " * 400_000,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_time_is_linear(text):
    start = time.process_time()
    with contextlib.suppress(SpecError):
        check_toml(bare(text))
    assert time.process_time() - start < 1.0
