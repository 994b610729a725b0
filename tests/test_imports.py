"""Imports go one way, inside functions too."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import symbp

PACKAGE = Path(symbp.__file__).parent
ALLOWED = {
    "errors": set(),
    "nn": {"errors"},
    "ir": {"errors"},
    "machine": set(),
    "network": {"errors", "ir"},
    "passes": {"errors", "ir", "network"},
    "schedule": {"errors", "ir"},
    "codegen": {"errors", "ir", "machine", "schedule"},
    "spec": {"errors", "network", "nn"},
    "train": {"errors", "spec"},
}


def imported(part: str) -> set[str]:
    """The parts of symbp that the files of one part import."""
    files = sorted((PACKAGE / part).rglob("*.py")) or [PACKAGE / f"{part}.py"]
    found: set[str] = set()
    for file in files:
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found.update(a.name for a in node.names)
            elif isinstance(node, ast.ImportFrom):
                found.update(f"{node.module}.{a.name}" for a in node.names)
    names = [name.split(".") for name in found]
    return {name[1] for name in names if name[0] == "symbp" and len(name) > 1} - {part}


@pytest.mark.parametrize("part", ALLOWED)
def test_parts_import_only_what_lies_below(part):
    assert imported(part) <= ALLOWED[part]
