import ast
from pathlib import Path

from symbp import nn


def test_every_public_name_exists_and_is_documented():
    assert len(set(nn.__all__)) == len(nn.__all__)
    for name in nn.__all__:
        assert hasattr(nn, name)
        if callable(getattr(nn, name)):
            assert getattr(nn, name).__doc__


def test_the_vocabulary_imports_nothing_else_of_symbp():
    imported = set()
    for file in Path(nn.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.ImportFrom) and node.module.split(".")[0] == "symbp":
                imported.add(".".join(node.module.split(".")[:2]))
    assert imported == {"symbp.nn", "symbp.errors"}
