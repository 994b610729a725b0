"""Hostile formulas execute nothing and are answered at once."""

import builtins
import contextlib
import os
import subprocess
import sys
import time
from contextlib import contextmanager

import pytest
import sympy as sp

from symbp import nn
from symbp.errors import SpecError
from symbp.spec import FUNCTIONS, loads, parse_expression
from tests.spec.attacks import ATTACKS, HEAVY, HOSTILE_FILES, LARGE_FILES

NAMES = {
    "s": nn.scalar("s"),
    "x": nn.vector("x", 4),
    "y": nn.vector("y", 4),
    "W": nn.matrix("W", 3, 4),
    "A": nn.indexed("A", 2, 3, 4),
}
SECONDS = 1.0

# Audit hooks cannot be taken away again; this one listens only while `watched` says so.
_EVENTS = ("os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.remove", "os.rename", "os.mkdir")
_EVENTS += ("subprocess.", "socket.", "shutil.", "ctypes.", "pickle.", "urllib.")
_heard: list[str] = []
_listening = False


def _hook(event: str, arguments: tuple) -> None:
    writes = event == "open" and str(arguments[1] or "r")[0] in "wax+"
    if _listening and (writes or event.startswith(_EVENTS)):
        _heard.append(event)


sys.addaudithook(_hook)


@contextmanager
def watched():
    global _listening
    _heard.clear()
    _listening = True
    try:
        yield
    finally:
        _listening = False
    assert _heard == []


@pytest.fixture(autouse=True)
def _no_execution(monkeypatch, tmp_path):
    """Work in an empty folder, with every builtin that an attack reaches for turned into a failure."""

    def refuse(*_args, **_kwargs):
        pytest.fail("an attack was executed")

    monkeypatch.chdir(tmp_path)
    for module, name in (
        (builtins, "eval"),
        (builtins, "breakpoint"),
        (builtins, "input"),
        (builtins, "print"),
        (os, "system"),
        (os, "popen"),
        (subprocess, "run"),
        (subprocess, "Popen"),
        (sp, "parse_expr"),
    ):
        monkeypatch.setattr(module, name, refuse)
    sympify = sp.sympify
    monkeypatch.setattr(sp, "sympify", lambda a, **kw: refuse() if isinstance(a, str) else sympify(a, **kw))
    yield
    assert list(tmp_path.iterdir()) == []


def _name(text: str) -> str:
    return repr(text[:30]).replace("[", "(").replace("]", ")") + f"#{len(text)}"


def test_there_are_enough():
    assert len(set(ATTACKS)) == len(ATTACKS) >= 200


@pytest.mark.parametrize("text", ATTACKS, ids=_name)
def test_attack_is_refused_at_once(text):
    start = time.process_time()
    with watched(), pytest.raises(SpecError) as caught:
        parse_expression(text, NAMES, FUNCTIONS, line=7)
    assert time.process_time() - start < SECONDS
    assert caught.value.line >= 7
    assert len(str(caught.value)) < 2_000


@pytest.mark.parametrize("text", HEAVY, ids=_name)
def test_heavy_formula_is_answered_at_once(text):
    start = time.process_time()
    with watched():
        try:
            result = parse_expression(text, NAMES, FUNCTIONS)
        except SpecError:
            result = None
    assert time.process_time() - start < SECONDS
    assert result is None or isinstance(result, sp.Basic)


TABLES = "[inputs]\ns = []\nx = 4\ny = 4\nA = [2, 3, 4]\n[parameters]\nW = [3, 4]\n[equations]\n"


def refused_file(text: str) -> SpecError:
    start = time.process_time()
    with watched(), pytest.raises(SpecError) as caught:
        loads(text)
    assert time.process_time() - start < SECONDS
    assert len(str(caught.value)) < 2_000
    return caught.value


@pytest.mark.parametrize("text", ATTACKS, ids=_name)
def test_attacks_are_refused_in_files_too(text):
    quoted = "".join(c if c.isalnum() or c in " +-*/()[],._" else f"\\U{ord(c):08x}" for c in text)
    assert refused_file(f'{TABLES}F = "{quoted}"\nE = "1"\n').line == 9


@pytest.mark.parametrize("text", HOSTILE_FILES, ids=_name)
def test_hostile_file_is_refused_at_once(text):
    error = refused_file(text)
    # Most have a place; what is about the whole file, or about what is not in it, has none.
    whole = ("there are no equations", "longer than 500,000", "not TOML")
    assert error.line is not None or any(words in error.problem for words in whole)


@pytest.mark.parametrize("text", LARGE_FILES, ids=_name)
def test_large_file_is_answered_at_once(text):
    start = time.process_time()
    with watched(), contextlib.suppress(SpecError):
        loads(text)
    assert time.process_time() - start < SECONDS
