"""The lock under which anything is derived or compiled; kernels run without it.

One for the whole process, not one per model: deriving and compiling hold Python's own lock
anyway, and a single lock can be kept out of the way of a fork. A child that was forked while another
thread compiled would wait forever for locks that nobody in it can release, Numba's included;
therefore a fork waits until nothing is being compiled.
"""

from __future__ import annotations

import os
import threading

MAKING = threading.RLock()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=MAKING.acquire, after_in_parent=MAKING.release, after_in_child=MAKING.release)
