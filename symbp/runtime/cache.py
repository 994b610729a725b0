"""Compiled kernels on disk, found by content.

One folder per kernel, named by a digest of what is compiled and by what. Its manifest has the
SHA-256 of every file and is checked before anything in the folder is imported or unpickled.
A damaged folder costs one warning and a rebuild.
"""

from __future__ import annotations

import atexit
import contextlib
import hashlib
import json
import os
import platform
import shutil
import sys
import tempfile
import uuid
import warnings
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import llvmlite
import llvmlite.binding as llvm
import numpy
import sympy

from symbp.errors import CacheWarning, UnsupportedError
from symbp.runtime.loaded import LoadedModule
from symbp.runtime.lock import MAKING

Build = Callable[[], tuple[str, dict]]
"""Makes the text of the module and its description, see `symbp.runtime.loaded`."""

_loaded: dict[tuple[str, bool], LoadedModule] = {}
"""By digest, and by whether it was to be kept on disk."""


def load_or_build(key_text: str, build: Build, *, cache: bool = True) -> LoadedModule:
    """The module of kernels for a key: from this process, from disk, or made by `build`.

    Args:
        key_text: describes what is compiled, completely.
        build: called only where the module is not found.
        cache: False, or SYMBP_CACHE=0 in the environment, keeps it off the disk cache.

    Raises:
        UnsupportedError: Numba is switched off.
    """
    if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
        # Kernels call LLVM instructions, for which there is no Python.
        raise UnsupportedError(
            "kernels are compiled by Numba, which NUMBA_DISABLE_JIT=1 switches off",
            hint="unset it, or print sb.derive(network), which compiles nothing",
        )
    digest = content_digest(key_text)
    keep = cache and os.environ.get("SYMBP_CACHE", "1") != "0"
    with MAKING:
        known = _loaded.get((digest, True)) or (None if keep else _loaded.get((digest, False)))
        if known is None:
            root = _root() if keep else None
            known = (_load(root / digest, digest) if root else None) or _build(digest, build, root)
            _loaded[digest, keep] = known
        return known


def known_description(key_text: str, *, cache: bool = True) -> dict | None:
    """The description of a kernel that is in memory or on disk; nothing is loaded, and None costs little."""
    digest = content_digest(key_text)
    keep = cache and os.environ.get("SYMBP_CACHE", "1") != "0"
    with MAKING:
        known = _loaded.get((digest, True)) or (None if keep else _loaded.get((digest, False)))
    if known is not None:
        return known.meta
    folder = cache_directory().absolute() / digest if keep else None
    if folder is None or not os.path.lexists(folder):
        return None
    try:
        found = _manifest(folder, digest)["meta.json"], (folder / "meta.json").read_bytes()
        return json.loads(found[1]) if hashlib.sha256(found[1]).hexdigest() == found[0] else None
    except Exception:  # who loads it will find out what is wrong, and say so
        return None


def clear_memory() -> None:
    """Forget the modules of this process, so that the next use looks on disk."""
    with MAKING:
        _loaded.clear()


def content_digest(key_text: str) -> str:
    """Names a kernel: what is compiled, by which versions, for which processor."""
    parts = (key_text, *_environment())
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


@lru_cache(maxsize=1)
def _environment() -> tuple[str, ...]:
    features = llvm.get_host_cpu_features().flatten()
    settings = [f"{k}={v}" for k, v in sorted(os.environ.items()) if k.startswith(_NUMBA_CODE)]
    return (
        f"python {sys.version} {platform.machine()} {sys.platform}",
        f"numba {_numba_version()} llvmlite {llvmlite.__version__}",
        f"numpy {numpy.__version__} sympy {sympy.__version__}",
        f"cpu {llvm.get_host_cpu_name()} {features}",
        f"symbp {_own_source()}",
        *settings,
    )


def _numba_version() -> str:
    """What Numba says of its version, read from its file: neither it nor its metadata is loaded for that."""
    spec = find_spec("numba")
    assert spec is not None
    assert spec.origin is not None
    try:
        return Path(spec.origin).with_name("_version.py").read_text(encoding="utf-8")
    except OSError:
        from importlib.metadata import version

        return version("numba")


_NUMBA_CODE = (
    "NUMBA_OPT",
    "NUMBA_CPU",
    "NUMBA_ENABLE_AVX",
    "NUMBA_LOOP",
    "NUMBA_SLP",
    "NUMBA_DISABLE",
    "NUMBA_BOUND",
)
"""Settings of Numba that change the code it makes."""


def _own_source() -> str:
    # The version alone would keep kernels of an edited checkout.
    total = hashlib.sha256()
    top = Path(__file__).parent.parent
    for path in sorted(top.rglob("*.py")):
        total.update(path.relative_to(top).as_posix().encode() + b"\0" + path.read_bytes() + b"\0")
    return total.hexdigest()


def cache_directory() -> Path:
    """$SYMBP_CACHE_DIR, or the folder `symbp` in the platform's place for caches."""
    given = os.environ.get("SYMBP_CACHE_DIR")
    if given:
        return Path(given).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or str(Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = str(Path.home() / "Library" / "Caches")
    else:
        base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "symbp"


def _root() -> Path | None:
    """The cache directory where files can be made in it, else None, with a warning."""
    path = None
    try:
        path = cache_directory().absolute()
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = path / f".probe-{uuid.uuid4().hex}"
        probe.write_bytes(b"")
        probe.unlink()
        if hasattr(os, "getuid") and path.stat().st_uid not in (os.getuid(), 0):
            raise PermissionError("it belongs to another user")
    except (OSError, RuntimeError, ValueError) as error:
        _warn(f"kernels are not kept on disk: {path or 'the cache directory'} cannot be used ({error})")
        return None
    return path


def _warn(text: str) -> None:
    warnings.warn(text, CacheWarning, stacklevel=2)


# ---- reading


def _load(folder: Path, digest: str) -> LoadedModule | None:
    if not os.path.lexists(folder):
        return None
    try:
        files = _verified(folder, digest)
        source, meta = files[f"{_module_name(digest)}.py"].decode(), json.loads(files["meta.json"])
        objects = {name: content for name, content in files.items() if name.endswith(".o")}
        return LoadedModule(_module_name(digest), source, meta, folder, objects, True)
    except Exception as error:  # whatever is wrong in there, the answer is to build again
        sys.modules.pop(_module_name(digest), None)
        _warn(f"a damaged kernel in the cache is rebuilt ({type(error).__name__}: {error}): {folder}")
        _discard(folder)
        return None


def _manifest(folder: Path, digest: str) -> dict[str, str]:
    """SHA-256 by name of the files that belong into the folder."""
    if folder.is_symlink() or not folder.is_dir():
        raise ValueError("it is not a folder")
    manifest = json.loads((folder / "manifest.json").read_bytes())
    if not isinstance(manifest, dict) or manifest.get("digest") != digest:
        raise ValueError("the manifest belongs to another kernel")
    return manifest["files"]


def _verified(folder: Path, digest: str) -> dict[str, bytes]:
    """The content of every file in the folder, after its manifest; ValueError where anything differs."""
    hashes = _manifest(folder, digest)
    found = _files(folder)
    if set(found) != set(hashes):
        raise ValueError("files are missing or foreign")
    contents = {}
    for name, path in found.items():
        contents[name] = path.read_bytes()
        if hashlib.sha256(contents[name]).hexdigest() != hashes[name]:
            raise ValueError(f"{name} is not what was written")
    return contents


def _files(folder: Path) -> dict[str, Path]:
    found = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            raise ValueError(f"{path.name} is a link")
        name = path.relative_to(folder).as_posix()
        if path.is_file() and name != "manifest.json":
            found[name] = path
    return found


def _discard(folder: Path) -> None:
    # Moved aside first, so that no other process sees half of a folder.
    aside = folder.with_name(f".damaged-{uuid.uuid4().hex}")
    with contextlib.suppress(OSError):
        os.replace(folder, aside)
        if aside.is_dir() and not aside.is_symlink():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.unlink()


# ---- writing


def _build(digest: str, build: Build, root: Path | None) -> LoadedModule:
    source, meta = build()
    name = _module_name(digest)
    if root is not None:
        try:
            folder = Path(tempfile.mkdtemp(prefix=".building-", dir=root))
            loaded = _write(folder, name, source, meta)
        except OSError as error:
            _warn(f"kernels are not kept on disk: {root} cannot be written ({error})")
        else:
            return _publish(loaded, root / digest, digest)
    folder = Path(tempfile.mkdtemp(prefix="symbp-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return _write(folder, name, source, meta)


def _write(folder: Path, name: str, source: str, meta: dict) -> LoadedModule:
    (folder / f"{name}.py").write_text(source, encoding="utf-8", newline="\n")
    meta = json.loads(json.dumps(meta))  # as it will be read, so that both ways are one
    loaded = LoadedModule(name, source, meta, folder)
    for file, code in loaded.objects.items():
        (folder / file).write_bytes(code)
    (folder / "meta.json").write_text(json.dumps(loaded.meta), encoding="utf-8")
    return loaded


def _publish(loaded: LoadedModule, folder: Path, digest: str) -> LoadedModule:
    """Move a finished folder to its place in one step; who comes second leaves the first one's there."""
    try:
        hashes = {n: hashlib.sha256(p.read_bytes()).hexdigest() for n, p in _files(loaded.path).items()}
        manifest = json.dumps({"digest": digest, "files": hashes})
        (loaded.path / "manifest.json").write_text(manifest, encoding="utf-8")
        os.rename(loaded.path, folder)
    except OSError as error:
        if not folder.is_dir():
            _warn(f"a kernel is not kept on disk ({error})")
        # This process goes on with what it compiled in memory; the two are equal by construction.
        shutil.rmtree(loaded.path, ignore_errors=True)
    loaded.moved(folder)
    return loaded


def _module_name(digest: str) -> str:
    # Numba's own index hashes byte code but no constants: the name has to tell kernels apart.
    return f"symbp_kernel_{digest[:32]}"
