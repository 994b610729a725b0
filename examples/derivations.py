# %% [markdown]
# # How a gradient becomes a short formula
#
# symbp differentiates statement by statement and then looks for cheaper forms. Each form that it takes
# stands in a ledger: what was there before, what is there now, what that saves, how it is known to be equal,
# and what accuracy it gives up. No function is known to the compiler by name.

# %%
from __future__ import annotations

import matplotlib.pyplot as plt
import mpmath
import numpy as np
import sympy as sp
from account import save

import symbp as sb


def show(title: str, derivation: sb.Derivation) -> None:
    print(f"== {title}\n\n{derivation}\n\n{derivation.ledger}\n")


def equation(derivation: sb.Derivation, name: str) -> sp.Expr:
    """The right-hand side of one backward equation, as SymPy."""
    (found,) = [e.rhs for e in derivation.backward if str(e.lhs) == name]
    return found


# %% [markdown]
# ## The sigmoid
#
# The derivative of 1/(1 + exp(-z)) is exp(-z)/(1 + exp(-z))^2. Written through the value a, which the forward
# pass holds anyway, it is a (1 - a): two operations and no exponential.

# %%
w, x, z, a, E = sp.symbols("w x z a E")
sigmoid = sb.Network([sp.Eq(z, w * x), sp.Eq(a, 1 / (1 + sp.exp(-z))), sp.Eq(E, a**2)], inputs=[x],
                     parameters=[w], loss=E, name="sigmoid")  # fmt: skip
d = sb.derive(sigmoid)
show("sigmoid", d)
(step,) = [s for s in d.ledger if s.target == "a"]
assert str(step.before) == "exp(-z)/(1 + exp(-z))**2"
assert "a*(1 - a)" in str(d.ledger)
assert step.verified == "symbolically"
assert step.saved == 47  # an exponential (40), a division (5) and more, at the cost of 2
assert d.cost.transcendental("backward") == 0

# %% [markdown]
# Equal as formulas, not quite as floating-point numbers: at z = 40 the value a rounds to 1, and 1 - a to 0.
# The ledger says so, and `reuse=False` keeps the first form.

# %%
assert "relative accuracy where the derivative is small" in step.loss
kept = sb.derive(sigmoid, reuse=False)
assert not [s for s in kept.ledger if s.loss]
at = np.linspace(-60, 60, 481)
with mpmath.workdps(60):
    exact = np.array([float(mpmath.exp(-t) / (1 + mpmath.exp(-t)) ** 2) for t in at])
value = 1 / (1 + np.exp(-at))
through_value = np.abs(value * (1 - value) - exact) / exact
assert through_value[at < 0].max() < 1e-15 < 0.9 < through_value[at > 40].min()
assert np.abs(value * (1 - value) - exact).max() < 4 * np.spacing(0.25)  # rounding of the maximum, 1/4
figure, ax = plt.subplots(figsize=(6, 3.2))
ax.semilogy(at, through_value + 1e-17)
ax.set_xlabel("z")
ax.set_ylabel("relative error of a (1 - a)")
ax.set_title("what reuse of the sigmoid's value gives up")
save(figure, "derivations")

# %% [markdown]
# ## Sigmoid and cross-entropy
#
# dE/da = (1 - y)/(1 - a) - y/a and da/dz = a (1 - a) stand in two equations; together they are a - y. The
# loss itself is rewritten too: log(1 - a) would be -inf where a rounds to 1.

# %%
z1, a1, y, inputs = sb.vector("z1", 2), sb.vector("a1", 2), sb.vector("y", 2), sb.vector("x", 3)
W1 = sb.matrix("W1", 2, 3)
logistic = sb.Network(
    [
        sp.Eq(z1, W1 * inputs),
        sp.Eq(a1, sb.sigmoid(z1)),
        sp.Eq(E, sb.binary_cross_entropy(a1, y)),
    ],
    inputs=[inputs, y],
    parameters=[W1],
    loss=E,
    name="logistic regression",
)
d = sb.derive(logistic)
show("sigmoid and cross-entropy", d)
assert equation(d, "delta1") == a1 - y
assert "delta1 = a1 - y" in str(d)
(step,) = [s for s in d.ledger if s.target == "delta1"]
assert step.rule == "one formula from several equations"
assert step.loss == ""

# %% [markdown]
# ## Softmax and cross-entropy
#
# p - y again. The derivative is p times the sum of the y, less y: that they add up to 1 is declared, by
# `sb.one_hot`, and checked whenever data arrives. With the softmax as an equation of its own, p has a name.

# %%
t = sb.one_hot("y", 2)
softmax = sb.Network(
    [
        sp.Eq(z1, W1 * inputs),
        sp.Eq(a1, sb.softmax(z1)),
        sp.Eq(E, sb.cross_entropy(a1, t)),
    ],
    inputs=[inputs, t],
    parameters=[W1],
    loss=E,
    name="softmax regression",
)
d = sb.derive(softmax)
show("softmax and cross-entropy", d)
assert equation(d, "delta1") == a1 - t
assert "delta1 = a1 - y" in str(d)
assert d.cost.transcendental("backward") == 0

# %% [markdown]
# ## Softplus
#
# log(1 + exp(z)) has the sigmoid as its derivative. Both need the same exponential: it is evaluated once, in
# the forward pass, and the backward pass reads the derivative instead of z.

# %%
d = sb.derive(sb.mlp([3, 2], output="softplus"))
show("softplus", d)
assert "da1/dz1 = 1/(1 + exp(-z1))" in str(d)
assert "delta1 = (a1 - y) ⊙ da1/dz1" in str(d)
assert d.cost.transcendental("backward") == 0
assert set(d.cost.stored) == {"a1", "da1/dz1"}

# %% [markdown]
# ## Two layers
#
# The error is carried back through the weights and the slope of each layer; both sigmoids share one entry of
# the ledger. The equations are SymPy objects, to compute with.

# %%
d = sb.derive(sb.mlp([3, 4, 2], activation="sigmoid", output="sigmoid", loss="squared_error"))
show("two layers", d)
lines = [line.strip() for line in str(d).splitlines()]
assert "delta2 = (a2 - y) ⊙ a2 ⊙ (1 - a2)" in lines
assert "delta1 = (W2.T*delta2) ⊙ a1 ⊙ (1 - a1)" in lines
assert "dE/dW1 = delta1*x.T" in lines
assert "reuse of the output, in 2 equations" in [g.title for g in d.ledger.groups]
W2, delta2, hidden = sb.matrix("W2", 2, 4), sb.vector("delta2", 2), sb.vector("a1", 4)
assert equation(d, "delta1") == sp.HadamardProduct(W2.T * delta2, hidden, sp.OneMatrix(4, 1) - hidden)
print(d.cost)
assert d.cost.ratio is not None
assert d.cost.ratio < 1
