"""Every test has a cache of its own."""

import pytest

from symbp.runtime import cache


@pytest.fixture(autouse=True)
def cache_dir(tmp_path, monkeypatch):
    folder = tmp_path / "cache"
    monkeypatch.setenv("SYMBP_CACHE_DIR", str(folder))
    monkeypatch.delenv("SYMBP_CACHE", raising=False)
    cache.clear_memory()
    yield folder
    cache.clear_memory()
