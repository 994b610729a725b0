import os
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

from symbp.errors import CacheWarning
from symbp.runtime import cache

SOURCE = '''"""Scales an array."""
from numba import njit

SCALE = {scale}

@njit(nogil=True, error_model="numpy", cache=True)
def scaled_into(x, result):
    for i in range(x.shape[0]):
        result[i] = x[i] * SCALE
'''
ARRAY = ["float64", 1]


def builder(scale, log=None):
    def build():
        if log is not None:
            log.append(scale)
        return SOURCE.format(scale=scale), {"compile": {"scaled_into": [ARRAY, ARRAY]}}

    return build


def run(loaded):
    result = np.empty(3)
    loaded.module.scaled_into(np.arange(3.0), result)
    return result.tolist()


def reopen(scale=2.0, log=None, key="key"):
    cache.clear_memory()
    return cache.load_or_build(key, builder(scale, log))


def test_second_process_finds_the_kernel(cache_dir):
    log = []
    first, second = reopen(log=log), reopen(log=log)
    assert not first.from_disk
    assert second.from_disk
    assert log == [2.0]
    assert run(first) == run(second) == [0.0, 2.0, 4.0]
    assert second.source == first.source
    assert not list(cache_dir.glob(".*"))


def test_one_process_loads_once():
    assert reopen() is cache.load_or_build("key", builder(3.0))


def test_kernels_that_differ_in_a_constant_stay_apart():
    for scale in (2.0, 3.0, 2.0):
        assert run(reopen(scale, key=f"scale {scale}")) == [0.0, scale, 2 * scale]


def test_folder_is_private(cache_dir):
    folder = reopen().path
    assert cache_dir.stat().st_mode & 0o777 == 0o700
    assert folder.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("damage", ["truncate", "garbage", "delete", "empty"])
@pytest.mark.parametrize("suffix", [".py", ".nbi", ".nbc", "meta.json", "manifest.json"])
def test_damaged_file_is_rebuilt(damage, suffix):
    folder = reopen().path
    path = next(p for p in folder.rglob("*") if p.name.endswith(suffix))
    content = path.read_bytes()
    if damage == "delete":
        path.unlink()
    else:
        path.write_bytes(
            {"truncate": content[: len(content) // 2], "garbage": b"\x80\x05." * 40, "empty": b""}[damage]
        )
    log = []
    with pytest.warns(CacheWarning, match="damaged") as caught:
        loaded = reopen(log=log)
    assert len(caught) == 1
    assert log == [2.0]
    assert run(loaded) == [0.0, 2.0, 4.0]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert reopen().from_disk


def test_machine_code_is_kept_and_its_damage_is_found():
    meta = {"machine": {"scaled_into": [ARRAY, ARRAY]}, "compile": {}}

    def machine():
        cache.clear_memory()
        return cache.load_or_build("machine", lambda: (SOURCE.format(scale=2.0), meta))

    folder = machine().path
    assert not [*folder.rglob("*.nbc")]
    result = np.empty(3)
    found = machine()
    assert found.from_disk
    found.function("scaled_into")(np.arange(3.0), result)
    assert result.tolist() == [0.0, 2.0, 4.0]
    (folder / "machine.o").write_bytes(found.objects["machine.o"][:100])
    with pytest.warns(CacheWarning, match="damaged"):
        assert not machine().from_disk


def test_foreign_file_link_and_swapped_folder_are_refused(cache_dir):
    first, second = reopen(2.0, key="a").path, reopen(3.0, key="b").path

    def foreign():
        (first / "more.py").write_text("raise SystemExit")

    def link():
        (first / "meta.json").rename(cache_dir / "elsewhere.json")
        (first / "meta.json").symlink_to(cache_dir / "elsewhere.json")

    def swap():
        first.rename(cache_dir / "old")
        second.rename(first)

    def plain_file():
        first.rename(cache_dir / "old2")
        first.write_text("not a folder")

    for damage in (foreign, link, swap, plain_file):
        reopen(2.0, key="a")
        damage()
        with pytest.warns(CacheWarning, match="damaged"):
            assert run(reopen(2.0, key="a")) == [0.0, 2.0, 4.0]


def test_switched_off(cache_dir, monkeypatch):
    loaded = cache.load_or_build("key", builder(2.0), cache=False)
    assert run(loaded) == [0.0, 2.0, 4.0]
    monkeypatch.setenv("SYMBP_CACHE", "0")
    assert run(reopen()) == [0.0, 2.0, 4.0]
    assert not cache_dir.exists()


def test_what_was_kept_off_the_disk_is_put_there_when_asked_for():
    off = cache.load_or_build("key", builder(2.0), cache=False)
    assert cache.load_or_build("key", builder(2.0), cache=False) is off
    kept = cache.load_or_build("key", builder(2.0))
    assert kept is not off
    assert cache.load_or_build("key", builder(2.0), cache=False) is kept
    assert reopen().from_disk


def test_directory_that_cannot_be_used(tmp_path, monkeypatch):
    blocker = tmp_path / "file"
    blocker.write_text("")
    monkeypatch.setenv("SYMBP_CACHE_DIR", str(blocker / "below"))
    with pytest.warns(CacheWarning, match="not kept"):
        assert run(reopen()) == [0.0, 2.0, 4.0]


def test_numba_cache_dir_is_not_used(tmp_path, monkeypatch):
    from numba.core import config

    monkeypatch.setattr(config, "CACHE_DIR", str(tmp_path / "elsewhere"))
    folder = reopen().path
    assert list(folder.rglob("*.nbc"))
    assert not (tmp_path / "elsewhere").exists()
    assert str(tmp_path / "elsewhere") == config.CACHE_DIR
    assert reopen().from_disk


def test_later_signatures_do_not_break_the_seal():
    loaded = reopen()
    loaded.module.scaled_into(np.arange(3, dtype=np.float32), np.empty(3, np.float32))
    assert reopen().from_disk


def test_failing_build_leaves_nothing(cache_dir):
    def build():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        cache.load_or_build("bad", build)
    assert not list(cache_dir.iterdir())


def test_eight_processes_at_once(cache_dir):
    program = f"""
import sys; sys.path.insert(0, {str(Path(cache.__file__).parents[2])!r})
sys.path.insert(0, {str(Path(__file__).parent)!r})
import warnings; warnings.simplefilter("error")
import test_cache as t
loaded = t.reopen()
assert t.run(loaded) == [0.0, 2.0, 4.0]
"""
    command = [sys.executable, "-c", program]
    processes = [subprocess.Popen(command, env={**os.environ}, stderr=subprocess.PIPE) for _ in range(8)]
    for process in processes:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors.decode()
    assert len(list(cache_dir.iterdir())) == 1
    assert reopen().from_disk


def test_pythons_optimisation_leaves_the_machine_code_what_it_is(cache_dir):
    code = 'import symbp as sb, sympy as sp; sb.compile(sp.sin(sp.Symbol("x")))(0.5); print("done")'
    for flags in ([], ["-O"], ["-OO"]):
        done = subprocess.run(
            [sys.executable, *flags, "-c", code], capture_output=True, text=True, check=True
        )
        assert (done.stdout, done.stderr) == ("done\n", "")


def test_without_numba_there_are_formulas_and_an_error_that_says_so():
    code = "import symbp as sb; net = sb.mlp([2, 3, 1]); print(sb.derive(net)); sb.compile(net)"
    environment = {**os.environ, "NUMBA_DISABLE_JIT": "1"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert "delta1 = " in done.stdout
    assert "UnsupportedError: kernels are compiled by Numba, which NUMBA_DISABLE_JIT=1" in done.stderr
