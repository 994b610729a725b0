"""Memory of one value and gradient beyond data and code: python -m benchmarks.peak_memory PEER N

The kernel is compiled, and run on a small batch where it can be, before the count begins.
"""

import json
import resource
import sys
from pathlib import Path

from benchmarks.workloads import WORKLOADS

STATUS, CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")


def resident(field):
    """Bytes, from the kernel's own account of this process (Linux)."""
    lines = STATUS.read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field + ":"))


def growth(work):
    """How far the resident set grows above what it is now, at its highest."""
    if STATUS.exists():
        CLEAR.write_text("5")  # the high-water mark starts anew
        before = resident("VmRSS")
        work()
        return resident("VmHWM") - before
    # Elsewhere the high-water mark of the whole life: right where nothing before was larger.
    unit = 1 if sys.platform == "darwin" else 1024
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    work()
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * unit


def symbp(workload):
    from benchmarks.peers.symbp_ import gradient

    small = gradient(workload.with_samples(1024))[0]
    small()
    x, y = workload.data
    call = gradient(workload)[0]
    return call, x.nbytes + y.nbytes


def jax(workload):
    import jax
    import jax.numpy as jnp

    from benchmarks.peers.jax_ import compiled, on_device

    parameters = on_device(workload.parameters)
    x, y = (jnp.asarray(a) for a in workload.data)
    del workload.__dict__["data"]
    step = compiled(workload).lower(parameters, x, y).compile()
    return lambda: jax.block_until_ready(step(parameters, x, y)), x.nbytes + y.nbytes


def torch(workload):
    from benchmarks.peers.torch_ import gradient

    gradient(workload.with_samples(1024))[0]()
    return gradient(workload)[0], sum(a.nbytes for a in workload.data)


if __name__ == "__main__":
    workload = next(w for w in WORKLOADS if w.name == "M3").with_samples(int(sys.argv[2]))
    call, data = {"symbp": symbp, "jax": jax, "torch": torch}[sys.argv[1]](workload)
    print(json.dumps({"growth": growth(call), "data": data}))
