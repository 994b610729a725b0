import os
import subprocess
import sys

import numpy as np
from numba import njit

from symbp.runtime.numba_cache import load_machine_code

NET = """
import sys
import numpy as np, symbp as sb

model = sb.compile(sb.mlp([3, 4, 2]), threads=1)
loss, gradient = model.value_and_grad(model.init(seed=0), x=np.ones((5, 3)), y=np.zeros((5, 2)))
print(repr(loss), gradient.tolist())
print(*sorted(sys.modules))
"""


def run(code, folder, **environment):
    environment = {**os.environ, "SYMBP_CACHE_DIR": str(folder), **environment}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, check=True
    )
    assert not done.stderr
    return done.stdout.splitlines()


def test_a_warm_start_loads_nothing_to_compile_with_and_gives_the_same(tmp_path):
    results, modules = zip(*(run(NET, tmp_path) for _ in range(2)), strict=True)
    assert results[0] == results[1]
    cold, warm = (set(line.split()) for line in modules)
    builders = {"symbp.pipeline", "symbp.passes.differentiate", "symbp.machine.build"}
    assert builders <= cold
    assert not builders & warm
    assert "numba" not in cold | warm


def test_what_was_loaded_may_be_called_from_other_compiled_code(tmp_path):
    code = (
        NET
        + """
from numba import njit

theta, x, y = model.init(seed=0), np.ones((5, 3)), np.zeros((5, 2))
kernel = model.kernel.value_and_grad

@njit
def twice(theta, x, y):
    return kernel(theta, x, y)[0] + kernel(theta, x, y)[0]

print(repr(float(twice(theta, x, y))))
"""
    )
    cold, warm = (run(code, tmp_path) for _ in range(2))
    assert float(cold[2]) == float(warm[2]) == 2 * float(warm[0].split()[0])


def test_what_is_not_on_disk_is_left_to_numba():
    @njit
    def double(x):
        return 2 * x

    assert not load_machine_code(double, (np.float64,))
    assert not double.overloads
