"""Hostile formulas execute nothing and are answered at once."""

import builtins
import os
import runpy
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest
import sympy as sp

from symbp import nn
from symbp.errors import SpecError
from symbp.spec import FUNCTIONS, loads, parse_expression

DATA = runpy.run_path(str(Path(__file__).with_name("attacks.py")))
ATTACKS, HEAVY = DATA["ATTACKS"], DATA["HEAVY"]
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
    start = time.perf_counter()
    with watched(), pytest.raises(SpecError) as caught:
        parse_expression(text, NAMES, FUNCTIONS, line=7)
    assert time.perf_counter() - start < SECONDS
    assert caught.value.line >= 7
    assert len(str(caught.value)) < 2_000


@pytest.mark.parametrize("text", HEAVY, ids=_name)
def test_heavy_formula_is_answered_at_once(text):
    start = time.perf_counter()
    with watched():
        try:
            result = parse_expression(text, NAMES, FUNCTIONS)
        except SpecError:
            result = None
    assert time.perf_counter() - start < SECONDS
    assert result is None or isinstance(result, sp.Basic)


@pytest.mark.parametrize("text", ATTACKS[:40], ids=_name)
def test_attacks_are_refused_in_files_too(text):
    quoted = '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
    start = time.perf_counter()
    with watched(), pytest.raises(SpecError) as caught:
        loads(f"[inputs]\ns = []\nx = 4\ny = 4\n[equations]\nE = {quoted}\n")
    assert time.perf_counter() - start < SECONDS
    assert caught.value.line == 6
