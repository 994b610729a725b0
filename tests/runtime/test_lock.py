import gc
import os
import threading
import time

import pytest
from llvmlite.binding import ffi

from symbp.runtime.lock import AWAITED, MAKING


def test_one_thread_may_enter_twice():
    with MAKING, MAKING:
        pass


def test_garbage_is_not_looked_for_before_the_outermost_exit():
    assert gc.isenabled()
    with MAKING:
        with MAKING:
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    with pytest.raises(ZeroDivisionError), MAKING:
        1 / 0  # noqa: B018
    assert gc.isenabled()


def test_who_has_switched_it_off_keeps_it_off():
    gc.disable()
    try:
        with MAKING:
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_waits_until_nothing_is_being_made():
    held, finished = threading.Event(), []

    def work():
        with MAKING:
            held.set()
            time.sleep(0.3)
            finished.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    held.wait()
    child = os.fork()
    if not child:
        # The thread that held the lock does not exist here: had it not finished, nobody could release it.
        os._exit(0 if finished and MAKING.acquire(timeout=5) else 1)
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with MAKING:
        assert finished == [True]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_waits_for_what_else_compiles(monkeypatch):
    seen = []
    monkeypatch.setattr("symbp.runtime.lock.AWAITED", [*AWAITED, lambda: seen.append(MAKING._depth)])
    child = os.fork()
    if not child:
        os._exit(0 if seen else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert len(seen) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_waits_for_who_uses_llvm():
    """As Python does that frees what LLVM made."""
    held, lock = threading.Event(), ffi.lib._lock

    def work():
        with lock:
            held.set()
            time.sleep(0.3)

    thread = threading.Thread(target=work)
    thread.start()
    held.wait()
    child = os.fork()
    if not child:
        os._exit(0 if lock._lock.acquire(timeout=5) else 1)
    thread.join()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert lock._lock.acquire(timeout=5)
    lock._lock.release()
