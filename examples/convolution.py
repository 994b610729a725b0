# %% [markdown]
# # A convolution in index notation
#
# Handwritten digits of 8 x 8, sixteen windows of 3 x 3 with a margin of zeros, relu, the largest of each
# 2 x 2, and ten classes. Everything is written for one image, entry by entry, as in a textbook; there is no
# layer to look up, and none in the compiler.

# %%
from __future__ import annotations

import time

import matplotlib.pyplot as plt
import numpy as np
import sympy as sp
from account import save, table
from scipy.optimize import minimize
from sklearn.datasets import load_digits

import symbp as sb

SIZE, CHANNELS, WINDOW, CLASSES = 8, 16, 3, 10
HALF = SIZE // 2

# %% [markdown]
# The sum over the window reads x at i + p - 1, which would leave the image at its margin: the condition keeps
# it inside, and what is outside is 0.

# %%
x, y = sb.indexed("x", SIZE, SIZE), sb.one_hot("y", CLASSES)
k, b = sb.indexed("k", CHANNELS, WINDOW, WINDOW), sb.indexed("b", CHANNELS)
a, m = sb.indexed("a", CHANNELS, SIZE, SIZE), sb.indexed("m", CHANNELS, HALF, HALF)
W, z, E = sb.indexed("W", CLASSES, CHANNELS, HALF, HALF), sb.indexed("z", CLASSES), sp.Symbol("E")

c, i, j = sb.index("c", CHANNELS), sb.index("i", SIZE), sb.index("j", SIZE)
p, q = sb.index("p", WINDOW), sb.index("q", WINDOW)
inside = sp.And(i + p >= 1, i + p <= SIZE, j + q >= 1, j + q <= SIZE)
term = sp.Piecewise((k[c, p, q] * x[i + p - 1, j + q - 1], inside), (0, True))
windows = sp.Eq(a[c, i, j], sp.Max(0, sp.Sum(term, (p, 0, WINDOW - 1), (q, 0, WINDOW - 1)) + b[c]))

u, v = sb.index("u", HALF), sb.index("v", HALF)
largest = sp.Eq(m[c, u, v], sp.Max(*(a[c, 2 * u + r, 2 * v + s] for r in (0, 1) for s in (0, 1))))

o, n = sb.index("o", CLASSES), sp.Symbol("n", integer=True)
scores = sp.Eq(
    z[o], sp.Sum(W[o, c, u, v] * m[c, u, v], (c, 0, CHANNELS - 1), (u, 0, HALF - 1), (v, 0, HALF - 1))
)
log_sum = sp.log(sp.Sum(sp.exp(z[n]), (n, 0, CLASSES - 1)))
loss = sp.Eq(E, sp.Sum(y[o, 0] * (log_sum - z[o]), (o, 0, CLASSES - 1)))

network = sb.Network([windows, largest, scores, loss], inputs=[x, y], parameters=[k, b, W], loss=E)
model = sb.compile(network)
print(model.derivation)

# %% [markdown]
# The gradient is exact, and quick enough to be given to SciPy for all images at once.

# %%
images, digits = load_digits(return_X_y=True)
X, Y = images.reshape(-1, SIZE, SIZE) / 16, np.eye(CLASSES)[digits]
train, test = slice(0, 1400), slice(1400, None)
theta = np.random.default_rng(0).normal(0, 0.1, model.init(seed=0).size)
model.check(theta, x=X[:2], y=Y[:2])

DECAY = 1e-3


def penalised(theta: np.ndarray) -> tuple[float, np.ndarray]:
    """The mean loss with a penalty on large weights, and its gradient."""
    value, gradient = model.value_and_grad(theta, x=X[train], y=Y[train])
    return float(value) + DECAY / 2 * float(theta @ theta), gradient + DECAY * theta


penalised(theta)
start = time.perf_counter()
found = minimize(penalised, theta, jac=True, method="L-BFGS-B", options={"maxiter": 150})
seconds = (time.perf_counter() - start) / found.nfev

predicted = model.forward(found.x, x=X[test])["z"].argmax(1)
accuracy = float((predicted == digits[test]).mean())
table(["loss", "accuracy on 397 other images"], [[float(found.fun), accuracy]])
print(f"{seconds * 1e3:.1f} ms for loss and gradient of {X[train].shape[0]} images, {theta.size} parameters")
assert accuracy > 0.94

# %% [markdown]
# What the windows look for, and where they find it in one of the other images.

# %%
kernels, one = model.params(found.x)["k"], X[test][:1]
maps = model.forward(found.x, x=one)["a"][0]
figure = plt.figure(figsize=(10, 3))
left, right = figure.subfigures(1, 2, width_ratios=(1, 5))
left.subplots().imshow(one[0], cmap="gray")
axes = right.subplots(4, 8)
for row, pictures in enumerate((kernels[:8], maps[:8], kernels[8:], maps[8:])):
    for axis, picture in zip(axes[row], pictures, strict=True):
        axis.imshow(picture, cmap="gray" if row % 2 else "RdBu")
for axis in figure.get_axes():
    axis.set(xticks=[], yticks=[])
save(figure, "convolution")
