"""erf, erfc and exp(x^2) erfc(x), as bodies over lanes."""

from __future__ import annotations

from symbp.codegen.vector.exponential import lanes_exp, lanes_exp_parts

ERF = {
    False: (
        7.961662777233869e-05, -0.0008042517583817244, 0.005191878881305456, -0.026855576783418655,
        0.11283624172210693, -0.3761262893676758, 0.12837916612625122,
    ),
    True: (
        1.0000981576627552e-09, -5.8196285496924435e-09, 2.486758664072541e-08, -1.763002532634333e-07,
        1.6562854220855147e-06, -1.4930955658327171e-05, 0.00012055519483535725, -0.0008548331341102734,
        0.005223977688805239, -0.026866170650614724, 0.11283791670979629, -0.3761263890318418,
        0.1283791670955126,
    ),
}  # fmt: skip
ERFC = {
    False: (
        0.0001762648025760427, -0.0007117235800251365, 0.0003237775235902518, 0.0001066477270796895,
        0.004230285994708538, -0.007443671114742756, 0.0010104152606800199, -0.02053377404808998,
        0.10771439969539642, -0.15972618758678436, -0.053082600235939026, 0.24871386587619781,
    ),
    True: (
        2.791589232974048e-07, -3.0821957619382135e-07, -8.212036045651283e-07, -7.042783774172412e-07,
        3.048138479153822e-06, 2.7566516757475603e-06, 3.1460642630743868e-06, -1.7180864175533546e-05,
        -1.1308140124447126e-05, -1.3750778163005652e-05, 0.00011147279143215736, 1.6296308267843575e-05,
        2.613314094321424e-05, -0.0007088105790533281, 0.0004058316348102146, 0.00010113541576817393,
        0.004208415212942197, -0.007442053264493169, 0.001013275114179077, -0.020533949933153203,
        0.10771424130713099, -0.15972618008629613, -0.05308259729139859, 0.2487138713430514,
    ),
}  # fmt: skip


INFINITE = {False: 3e38, True: 1e308}
"""Exponentials above these have no correction."""
TAIL = (10395 / 64, -945 / 32, 105 / 16, -15 / 8, 3 / 4, -1 / 2)
"""sqrt(pi) x erfcx(x) - 1 in powers of 1/x^2, from the sixth."""


def lanes_erf_near(x):
    """x + x P(x^2) on |x| < 0.91."""
    z = x * x
    return x.times_plus(z.polynomial(ERF[x.double]), x)


def lanes_erfc_far(size):
    """erfc on x >= 0.4.

    exp(x^2) erfc(x) (1 + 2x) is smooth in t = (x - K)/(x + K) over all x >= 0 (Shepherd and Laframboise,
    Math. Comp. 36, 1981). ERFC approximates its logarithm for K = 1.75, in float64 by mpmath.chebyfit, off
    by 2.7e-17. The logarithm is below 0.26, so its rounding hardly counts; that of x^2 is put back.
    glibc 2.36 is off by 4.06 units at 1.233351574864944.
    """
    near = size.below(28.0 if size.double else 10.2)
    t = (near - 1.75) / (near + 1.75)
    rest = t.polynomial(ERFC[size.double])
    square = near * near
    high = rest - square
    low = (rest - (high + square)) + (-near).fused(near, square)
    n, y = lanes_exp_parts(high)
    value = ((y + 1.0).times_plus(low, y) + 1.0) / near.times_plus(2.0, 1.0)
    half = n >> 1
    return value * half.power_of_two() * (n - half).power_of_two()


def lanes_erfc(x):
    size = x.abs()
    far = lanes_erfc_far(size)
    value = far.where(x > 0.0, 2.0 - far)
    return value.where(size > 0.47, 1.0 - lanes_erf_near(x))


def lanes_erf(x):
    size = x.abs()
    far = 1.0 - lanes_erfc_far(size)
    return far.sign_of(x).where(size > 0.9, lanes_erf_near(x))


def lanes_erfcx(x):
    """exp(x^2) erfc(x): the fit of `lanes_erfc_far` without its exponential, beyond it a series in 1/x^2."""
    size = x.abs()
    end = 28.0 if x.double else 10.2
    near = size.below(end)
    t = (near - 1.75) / (near + 1.75)
    middle = lanes_exp(t.polynomial(ERFC[x.double])) / near.times_plus(2.0, 1.0)
    inverse = 1.0 / size
    z = inverse * inverse
    series = z * z.polynomial(TAIL) + 1.0
    positive = (series * inverse * 0.5641895835477563).where(size > end, middle)
    square = x * x
    low = x.fused(x, -square)
    e = lanes_exp(square)
    bell = e.times_plus(low, e).where(e < INFINITE[x.double], e)
    value = positive.where(x > 0.0, 2.0 * bell - positive)
    return value.where(size > 0.47, bell * (1.0 - lanes_erf_near(x)))
