"""What a generated module carries."""

import ast
import inspect
import re
import subprocess
import sys

import numpy as np
import sympy as sp

from symbp.codegen.module import emit
from symbp.codegen.vector import BODIES
from symbp.codegen.vector.sources import TAKEN, arity, sources
from symbp.ir import BATCH, Index, Statement, Tensor
from symbp.schedule.kernel import Kernel
from tests.codegen.kernels import load, program_of

N = Index("n", BATCH)


def defined(text):
    names = set()
    for node in ast.parse(text).body:
        names |= {node.name} if hasattr(node, "name") else set()
        targets = getattr(node, "targets", [getattr(node, "target", None)])
        names |= {t.id for t in targets if isinstance(t, ast.Name)}
    return names


def test_nothing_for_nothing():
    assert sources([]) == []
    assert sources(["digamma", "+"]) == []


def test_only_what_is_used_and_all_that_it_needs():
    for name in BODIES:
        text = "\n\n".join(sources([name]))
        own = defined(text)
        assert own <= TAKEN
        assert {name, BODIES[name].__name__, "Lane", "lanewise"} <= own
        words = set(re.findall(r"\b(?:lanes_\w+|[A-Z][A-Z0-9_]{2,})\b", re.sub(r'"""[\s\S]*?"""', "", text)))
        assert words & TAKEN <= own
    assert "SIN" not in defined("\n\n".join(sources(["exp", "log"])))


def test_definitions_come_before_their_use():
    seen = set()
    for text in sources(BODIES):
        new = defined(text)
        assert not new & seen
        for line in ast.parse(text).body:
            if isinstance(line, ast.Assign):
                assert {n.id for n in ast.walk(line.value) if isinstance(n, ast.Name)} <= seen | new
        seen |= new


def test_arguments_are_counted():
    assert {name for name in BODIES if arity(name) == 2} == {"power"}


def kernel(bodies, dtype="float64"):
    x, y = Tensor("x", (BATCH,), "input"), Tensor("y", (BATCH,), "input")
    tensors = [Tensor(f"f{k}", (BATCH,)) for k in range(len(bodies))]
    names = tuple(t.name for t in tensors)
    statements = [Statement(n, (N,), b(x[N], y[N])) for n, b in zip(names, bodies, strict=True)]
    return Kernel("run", program_of([x, y, *tensors], statements, names), ("x", "y"), (), names, (), dtype)


def test_a_module_runs_without_symbp(tmp_path):
    text = emit(
        [kernel([lambda x, y: sp.tanh(x) * sp.log(2 + sp.cos(y)), lambda x, y: (2 + sp.sin(x)) ** y])]
    )
    (tmp_path / "net.py").write_text(text)
    code = (
        "import sys, numpy as np\nsys.modules['symbp'] = None\nimport net\n"
        "a, b = net.run(np.array([0.5, -1.0]), np.array([2.0, 3.0]))\nprint(*map(repr, map(float, [*a, *b])))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    x, y = np.array([0.5, -1.0]), np.array([2.0, 3.0])
    right = np.concatenate([np.tanh(x) * np.log(2 + np.cos(y)), (2 + np.sin(x)) ** y])
    np.testing.assert_allclose([float(v) for v in done.stdout.split()], right, rtol=1e-14)


def test_an_elementwise_nest_is_vectorised(tmp_path):
    module = load(emit([kernel([lambda x, y: sp.tanh(x) * sp.exp(y)], "float32")]), tmp_path)
    module.run(np.ones(3, np.float32), np.ones(3, np.float32))
    (text,) = module.run_into.inspect_asm().values()
    assert re.search(r"vfn?m(add|sub)\d*ps\s.*%[yz]mm|fmla\s+v\d+\.4s|mulps", text)
    assert not re.search(r"call\S*\s+\S*(tanh|exp)f?\b", text)


def test_names_of_the_functions_are_not_taken_by_tensors(tmp_path):
    tanh, power = Tensor("tanh", (BATCH,), "input"), Tensor("LOG", (BATCH,))
    statement = Statement("LOG", (N,), sp.tanh(tanh[N]) + sp.log(tanh[N]))
    program = program_of([tanh, power], [statement], ("LOG",))
    module = load(emit([Kernel("run", program, ("tanh",), (), ("LOG",), ())]), tmp_path)
    assert module.run(np.array([0.5]))[0][0] == np.tanh(0.5) + np.log(0.5)


def test_definitions_are_whole():
    texts = sources(BODIES)
    for body in BODIES.values():
        assert inspect.getsource(body).rstrip() in texts
    assert all(len(ast.parse(text).body) == 1 for text in texts[:-1])
