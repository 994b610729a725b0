"""Models as scientists write them: a pendulum of links, a mixture of Gaussians, chemical kinetics, and what
optimizers are tried on."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from itertools import pairwise

import numpy as np
import sympy as sp
from sympy.physics import mechanics


@dataclass(frozen=True)
class ScalarModel:
    """Expressions over scalar symbols, evaluated at many points.

    Attributes:
        arguments: the symbols, each of which gets an array of N numbers.
        expressions: the values.
        wrt: what is differentiated for; empty where values alone are wanted.
        low, high: the range of the arguments.
        second: whether all second derivatives of the one value are wanted, in place of it and the first ones.
    """

    name: str
    arguments: tuple[sp.Symbol, ...]
    expressions: tuple[sp.Expr, ...]
    wrt: tuple[sp.Symbol, ...]
    low: float = 0.1
    high: float = 0.9
    second: bool = False

    def points(self, samples: int) -> np.ndarray:
        """An array (arguments, N) of float64."""
        shape = (len(self.arguments), samples)
        return np.random.default_rng(3).uniform(self.low, self.high, shape)

    @cached_property
    def formulas(self) -> list[sp.Expr]:
        """Values, then the Jacobian row by row, or the Hessian; SymPy differentiates, as lambdify's users
        do it."""
        if self.second:
            slopes = [self.expressions[0].diff(s) for s in self.wrt]
            return [slope.diff(s) for slope in slopes for s in self.wrt]
        return [*self.expressions, *(e.diff(s) for e in self.expressions for s in self.wrt)]


def pendulum(links: int = 5) -> ScalarModel:
    """Accelerations of a chain of point masses, and their Jacobian with respect to the 2 n states.

    Kane's equations M(q) u' = f(q, u) from sympy.physics.mechanics; u' by Gaussian elimination of M.
    """
    q, u = mechanics.dynamicsymbols(f"q:{links}"), mechanics.dynamicsymbols(f"u:{links}")
    g = sp.Rational(981, 100)
    frame, origin = mechanics.ReferenceFrame("I"), mechanics.Point("O")
    origin.set_vel(frame, 0)
    joint, particles, forces = origin, [], []
    for k in range(links):
        link = frame.orientnew(f"A{k}", "Axis", [q[k], frame.z])
        link.set_ang_vel(frame, u[k] * frame.z)
        end = joint.locatenew(f"P{k}", link.x)
        end.v2pt_theory(joint, frame, link)
        particles.append(mechanics.Particle(f"m{k}", end, sp.Integer(1)))
        forces.append((end, g * frame.x))
        joint = end
    speeds = [q[k].diff() - u[k] for k in range(links)]
    kane = mechanics.KanesMethod(frame, q_ind=q, u_ind=u, kd_eqs=speeds)
    kane.kanes_equations(particles, forces)
    angles, rates = sp.symbols(f"q:{links}"), sp.symbols(f"u:{links}")
    plain = dict(zip([*q, *u], [*angles, *rates], strict=True))
    mass, forcing = kane.mass_matrix.xreplace(plain), kane.forcing.xreplace(plain)
    accelerations = _solved(mass, forcing)
    states = (*angles, *rates)
    return ScalarModel(f"pendulum of {links} links", states, accelerations, states)


def _solved(mass: sp.Matrix, forcing: sp.Matrix) -> tuple[sp.Expr, ...]:
    """The solution of a positive definite system, by elimination without pivots or simplification."""
    n = mass.rows
    rows = [[*mass.row(i), forcing[i]] for i in range(n)]
    for k in range(n):
        for i in range(k + 1, n):
            factor = rows[i][k] / rows[k][k]
            for j in range(k + 1, n + 1):
                rows[i][j] -= factor * rows[k][j]
    solution: list[sp.Expr] = [sp.S.Zero] * n
    for i in range(n - 1, -1, -1):
        rest = sp.Add(*(rows[i][j] * solution[j] for j in range(i + 1, n)))
        solution[i] = (rows[i][n] - rest) / rows[i][i]
    return tuple(solution)


def mixture(components: int = 5) -> ScalarModel:
    """log sum_k exp(w_k) N(x; m_k, exp(s_k)^2) of one sample, and its gradient for the 3 K parameters."""
    x = sp.Symbol("x")
    w, m, s = (sp.symbols(f"{name}:{components}") for name in "wms")
    terms = [
        sp.exp(w[k] - s[k] - ((x - m[k]) / sp.exp(s[k])) ** 2 / 2) / sp.sqrt(2 * sp.pi)
        for k in range(components)
    ]
    value = sp.log(sp.Add(*terms)) - sp.log(sp.Add(*map(sp.exp, w)))
    parameters = (*w, *m, *s)
    return ScalarModel(
        f"mixture of {components} Gaussians", (*parameters, x), (value,), parameters, -1.0, 1.0
    )


def kinetics(species: int = 40, reactions: int = 120) -> ScalarModel:
    """dc/dt of 40 species under 120 reversible reactions A + B <-> C + D of mass action.

    Rate constants follow Arrhenius, k = A exp(-E/T), with the temperature as an argument.
    """
    random = np.random.default_rng(7)
    c, temperature = sp.symbols(f"c:{species}"), sp.Symbol("T")
    change: list[list[sp.Expr]] = [[] for _ in range(species)]
    for _ in range(reactions):
        a, b, p, q = (int(i) for i in random.choice(species, 4, replace=False))
        there, back = (
            sp.Float(round(random.uniform(0.5, 2), 3))
            * sp.exp(-sp.Float(round(random.uniform(0.1, 1), 3)) / temperature)
            for _ in range(2)
        )
        rate = there * c[a] * c[b] - back * c[p] * c[q]
        for i in (a, b):
            change[i].append(-rate)
        for i in (p, q):
            change[i].append(rate)
    return ScalarModel(
        f"kinetics of {species} species", (*c, temperature), tuple(sp.Add(*r) for r in change), ()
    )


def rosenbrock(variables: int = 10) -> ScalarModel:
    """The Hessian of sum_i 100 (x_(i+1) - x_i^2)^2 + (1 - x_i)^2."""
    x = sp.symbols(f"x:{variables}")
    value = sp.Add(*(100 * (b - a**2) ** 2 + (1 - a) ** 2 for a, b in pairwise(x)))
    return ScalarModel(f"Hessian of Rosenbrock's function of {variables}", x, (value,), x, -2.0, 2.0, True)


def curved_mixture(components: int = 5) -> ScalarModel:
    """The Hessian of `mixture`."""
    model = mixture(components)
    return replace(model, name=f"Hessian of the {model.name}", second=True)


MODELS = {
    "pendulum": pendulum,
    "mixture": mixture,
    "kinetics": kinetics,
    "rosenbrock": rosenbrock,
    "curved mixture": curved_mixture,
}
