"""Who evaluates a scalar model at N points: value and first derivatives together, or second derivatives, in
float64, default threads.

Each maker takes a model and points (arguments, N), and returns (call, result); result() is (N, values
and Jacobian row by row), or (N, Hessian row by row). Making includes deriving and compiling.
"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import sympy as sp

from benchmarks.scalar.models import ScalarModel

Made = tuple[Callable[[], Any], Callable[[], np.ndarray]]


def _compiled(model: ScalarModel) -> tuple[Any, str]:
    """symbp's function, and the name of the method that gives all that is asked for."""
    import symbp as sb

    one = len(model.expressions) == 1
    what = model.expressions[0] if one else list(model.expressions)
    f = sb.compile(what, wrt=list(model.wrt), args=list(model.arguments))
    if model.second:
        return f, "hessian"
    return f, "value" if not model.wrt else "value_and_grad" if one else "value_and_jacobian"


def symbp(model: ScalarModel, points: np.ndarray) -> Made:
    """Calls as most users write them: numbers or arrays in, new objects out."""
    f, what = _compiled(model)
    samples = points.shape[1]
    # One point is given as numbers: there is a short way for those.
    given = tuple(points[:, 0].tolist()) if samples == 1 else tuple(points)
    if what == "value":
        call = lambda: (f(*given),)  # noqa: E731
    elif what == "hessian":
        call = lambda: (f.hessian(*given),)  # noqa: E731
    elif what == "value_and_grad":
        call = lambda: f.value_and_grad(*given)  # noqa: E731
    else:
        call = lambda: f.value_and_jacobian(*given)  # noqa: E731

    def result():
        parts = [np.stack(p, axis=-1) if isinstance(p, tuple) else np.asarray(p) for p in call()]
        return np.concatenate([p.reshape(samples, -1) for p in parts], axis=1)

    return call, result


def symbp_bound(model: ScalarModel, points: np.ndarray) -> Made:
    """A call bound to arrays for arguments and results, as CasADi's buffers are."""
    f, what = _compiled(model)
    samples = points.shape[1]
    given = points[:, 0].copy() if samples == 1 else np.ascontiguousarray(points)
    lead, count, slopes = (() if samples == 1 else (samples,)), len(model.expressions), len(model.wrt)
    if what == "value_and_grad":
        made = [np.empty(lead) for _ in range(1 + slopes)]
    elif what == "hessian":
        made = [np.empty((*lead, slopes, slopes))]
    else:
        made = [np.empty((*lead, count)), np.empty((*lead, count, slopes))][: 1 + bool(slopes)]
    call = f.bind(what, given, made)

    def result():
        call()
        return np.concatenate([a.reshape(samples, -1) for a in made], axis=1)

    return call, result


def lambdify_numba(model: ScalarModel, points: np.ndarray) -> Made:
    """diff, lambdify(cse=True), and a Numba loop over the points."""
    import numba

    formulas = tuple(sp.Float(e) if e.is_Number else e for e in model.formulas)
    options: dict[str, Any] = {"error_model": "numpy", "fastmath": {"reassoc", "contract", "arcp", "nsz"}}
    count = len(model.arguments)
    one = numba.njit(**options)(sp.lambdify(model.arguments, formulas, modules="math", cse=True))
    # Arguments are spelled out: Numba compiles no call with a number of arguments known at run time.
    source = ", ".join(f"points[{k}, i]" for k in range(count))
    scope: dict[str, Any] = {"one": one}
    exec(
        "def run(points, out):\n"
        "    for i in range(out.shape[0]):\n"
        f"        values = one({source})\n"
        "        for k in range(out.shape[1]):\n"
        "            out[i, k] = values[k]\n",
        scope,
    )
    run = numba.njit(**options)(scope["run"])
    out = np.empty((points.shape[1], len(formulas)))
    run(points, out)

    def result():
        run(points, out)
        return out.copy()

    return lambda: run(points, out), result


def jax(model: ScalarModel, points: np.ndarray) -> Made:
    """lambdify(cse=True) to jax.numpy, its Jacobian by jacfwd or grad, vmap and jit in float64."""
    import jax
    import jax.numpy as jnp

    jax.config.update("jax_enable_x64", True)
    plain = sp.lambdify(model.arguments, model.expressions, modules="jax", cse=True)
    places = [model.arguments.index(s) for s in model.wrt]

    def values(x):
        return jnp.stack([jnp.asarray(v) for v in plain(*x)])

    if not model.wrt:
        one = values
    elif model.second:

        def one(x):
            def value(own):
                return plain(*x.at[jnp.array(places)].set(own))[0]

            return jax.hessian(value)(x[jnp.array(places)]).ravel()
    elif len(model.expressions) == 1:

        def one(x):
            value, slope = jax.value_and_grad(lambda x: plain(*x)[0])(x)
            return jnp.concatenate([value[None], slope[jnp.array(places)]])
    else:

        def one(x):
            return jnp.concatenate([values(x), jax.jacfwd(values)(x)[:, jnp.array(places)].ravel()])

    run = jax.jit(jax.vmap(one, in_axes=1))
    x = jnp.asarray(points)
    call = lambda: run(x).block_until_ready()  # noqa: E731
    call()
    return call, lambda: np.asarray(call())


def _casadi(model: ScalarModel) -> Any:
    """CasADi's function (arguments) -> (values and Jacobian) or Hessian, from the expressions as a graph."""
    import casadi as ca

    x = ca.SX.sym("x", len(model.arguments))
    done = {s: x[k] for k, s in enumerate(model.arguments)}
    functions = {sp.exp: ca.exp, sp.log: ca.log, sp.sin: ca.sin, sp.cos: ca.cos, sp.tan: ca.tan}

    def convert(e):
        if e in done:
            return done[e]
        if e.is_Number or e.is_NumberSymbol:
            found = ca.SX(float(e))
        elif e.is_Add or e.is_Mul:
            found, *rest = map(convert, e.args)
            for a in rest:
                found = found + a if e.is_Add else found * a
        elif e.is_Pow:
            base = convert(e.base)
            if e.exp == -1:
                found = 1 / base
            elif e.exp == 2:
                found = base * base
            else:
                found = base ** convert(e.exp)
        else:
            found = functions[type(e)](*map(convert, e.args))
        done[e] = found
        return found

    values = ca.vertcat(*map(convert, model.expressions))
    outputs = [values]
    if model.second:
        places = [model.arguments.index(s) for s in model.wrt]
        outputs = [ca.densify(ca.vec(ca.hessian(values, x)[0][places, places]))]
    elif model.wrt:
        places = [model.arguments.index(s) for s in model.wrt]
        outputs.append(ca.densify(ca.vec(ca.jacobian(values, x)[:, places].T)))
    return ca.Function("model", [x], [ca.vertcat(*outputs)], {"cse": True})


def _mapped(function: Any, points: np.ndarray) -> Made:
    """A CasADi function over all points through its buffers, without a conversion of arrays."""
    samples = points.shape[1]
    over = function.map(samples)
    given = np.ascontiguousarray(points.T)
    out = np.empty((samples, function.size1_out(0)))
    buffer, trigger = over.buffer()
    buffer.set_arg(0, memoryview(given))
    buffer.set_res(0, memoryview(out))
    # The trigger holds none of what it points into.
    trigger.alive = (buffer, over, given, out)

    def result():
        trigger()
        return out.copy()

    return trigger, result


def casadi(model: ScalarModel, points: np.ndarray) -> Made:
    """CasADi's virtual machine."""
    return _mapped(_casadi(model), points)


def casadi_c(model: ScalarModel, points: np.ndarray) -> Made:
    """CasADi's generated C, compiled with -O3 -march=native."""
    import casadi as ca

    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        raise ImportError("no C compiler")
    function = _casadi(model)
    with tempfile.TemporaryDirectory() as folder:
        generator = ca.CodeGenerator("model.c")
        generator.add(function)
        generator.generate(f"{folder}/")
        library = str(Path(folder) / "model.so")
        command = [compiler, "-O3", "-march=native", "-shared", "-fPIC", f"{folder}/model.c", "-o", library]
        subprocess.run([*command, "-lm"], check=True)
        ctypes.CDLL(library)  # stays loaded when the folder is gone
        return _mapped(ca.external("model", library), points)


def symengine(model: ScalarModel, points: np.ndarray) -> Made:
    """SymEngine: its own diff, its LLVM backend with cse."""
    import symengine as se

    if not se.have_llvm:
        raise ImportError("SymEngine without LLVM")
    arguments = [se.sympify(s) for s in model.arguments]
    values = [se.sympify(e) for e in model.expressions]
    slopes = [v.diff(se.sympify(s)) for v in values for s in model.wrt]
    formulas = [d.diff(se.sympify(s)) for d in slopes for s in model.wrt] if model.second else values + slopes
    run = se.Lambdify(arguments, formulas, backend="llvm", cse=True)
    given = np.ascontiguousarray(points.T)
    call = lambda: run(given)  # noqa: E731
    call()
    return call, lambda: np.asarray(call())


PEERS: dict[str, Callable[[ScalarModel, np.ndarray], Made]] = {
    "symbp": symbp,
    "symbp, bound": symbp_bound,
    "lambdify+Numba": lambdify_numba,
    "CasADi VM": casadi,
    "CasADi C": casadi_c,
    "JAX": jax,
    "SymEngine LLVM": symengine,
}


def make(peer: str, model: ScalarModel, points: np.ndarray) -> Made | str:
    """The call and its result, or why the peer is absent."""
    try:
        made = PEERS[peer](model, points)
        made[0]()
        return made
    except ImportError as error:
        return f"absent ({error.name or error})"
