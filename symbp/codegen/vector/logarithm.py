"""log, log1p and powers, as bodies over lanes."""

from __future__ import annotations

from symbp.codegen.vector.exponential import EXP, LN2

LOG = {
    False: (0.29604992270469666, 0.39988207817077637, 0.6666668653488159),
    True: (
        0.1461856552232539, 0.15331549755353707, 0.18182894253509133, 0.22222211066961356,
        0.2857142862634347, 0.3999999999989904, 0.666666666666667,
    ),
}  # fmt: skip
POWER_LOG = {
    False: (0.18392391502857208, 0.22237816452980042, 0.28571149706840515, 0.4000000059604645),
    True: (
        0.10780260814580295, 0.1180395859793025, 0.13330822375156717, 0.15384675531297629,
        0.1818181749718937, 0.2222222222582014, 0.28571428571421564, 0.4,
    ),
}  # fmt: skip
TWO_THIRDS = (0.6666666666666666, 3.700743415417188e-17)
LOG2_E = (1.4426950408889634, 2.0355273740931033e-17)


def lanes_exponent(x):
    """e and f with x = 2^e (1 + f), sqrt(1/2) <= 1 + f < sqrt(2), for a positive number."""
    smallest, lift = (2.0**-1022, 54) if x.double else (2.0**-126, 25)
    small = x < smallest
    bits = (x * 2.0**lift).where(small, x).bits()
    digits = 52 if x.double else 23
    root = x.constant(0.5**0.5).bits()
    e = (bits - root) >> digits
    f = (bits - (e << digits)).floats() - 1.0
    return e - (e.constant(lift).where(small, e.constant(0))), f


def lanes_log_parts(f):
    """f^2/2 and t with log(1 + f) = f - (f^2/2 - t): t = s (f^2/2 + R) with s = f/(2 + f).

    2 artanh(s) = 2s + s R(s^2); LOG approximates R(z)/z for s^2 < 0.0295. In this form only terms of
    the size of f^2 carry an error.
    """
    s = f / (f + 2.0)
    z = s * s
    square = f * f * 0.5
    return square, s * z.times_plus(z.polynomial(LOG[f.double]), square)


def lanes_log(x):
    e, f = lanes_exponent(x)
    e = e.whole()
    high, low = LN2[x.double]
    square, t = lanes_log_parts(f)
    value = e.times_plus(high, f - (square - e.times_plus(low, t)))
    return lanes_log_ends(x, value)


def lanes_log_ends(x, value):
    """-inf at 0, inf at inf, nan below 0 and at nan."""
    infinity = float("inf")
    value = value.where(x < infinity, x)
    return value.where(x > 0.0, x.constant(-infinity).where(x.equals(0.0), float("nan")))


def lanes_log1p(x):
    """log(1 + x) with what 1 + x rounds off put back, divided by the mantissa: 1/(1 + f) = 1 - f + f^2."""
    u = x + 1.0
    part = u - 1.0
    lost = (1.0 - (u - part)) + (x - part)
    e, f = lanes_exponent(u)
    lost = lost * (e.constant(0) - e.below(100)).power_of_two()
    lost = lost * (f.times_plus(f, 1.0) - f)
    e = e.whole()
    high, low = LN2[x.double]
    square, t = lanes_log_parts(f)
    value = e.times_plus(high, f - (square - (e.times_plus(low, lost) + t)))
    return x.where(x.equals(0.0), lanes_log_ends(u, value))


def lanes_power(x, y):
    """2^(y log2|x|) with the logarithm in two parts of twice the precision, and the rules of C for the ends.

    float32 is computed in float64, whose plain arithmetic is exact enough: in pairs of float32 it takes
    twice the operations.
    """
    if not x.double:
        return lanes_power_ends(x, y, lanes_single_power(x, y))
    e, f = lanes_exponent(x.abs())
    d = f + 2.0
    d_low = f - (d - 2.0)
    r = 1.0 / d
    s = f * r
    s_low = ((-s).fused(d, f) - s * d_low) * r
    z = s * s
    z_low = s.fused(s, -z) + 2.0 * s * s_low
    # w = 2/3 z + z^2 P(z), and log(1 + f) = 2s + s w.
    a = z * TWO_THIRDS[0]
    a_low = z.fused(TWO_THIRDS[0], -a) + z_low.times_plus(TWO_THIRDS[0], z * TWO_THIRDS[1])
    b = z * z * z.polynomial(POWER_LOG[True])
    w = a + b
    w_low = ((a - w) + b) + a_low
    v = s * w
    v_low = s.fused(w, -v) + s.times_plus(w_low, s_low * w)
    log = s.times_plus(2.0, v)
    log_low = (s.times_plus(2.0, -log) + v) + s_low.times_plus(2.0, v_low)
    g = log * LOG2_E[0]
    g_low = log.fused(LOG2_E[0], -g) + log.times_plus(LOG2_E[1], log_low * LOG2_E[0])
    e = e.whole()
    high = e + g
    low = ((e - high) + g) + g_low
    t = y * high
    t_low = y.fused(high, -t) + y * low
    t_low = t_low.where(t.abs() < 1100.0, 0.0)
    n, rest = lanes_exp2_parts(t.within(-1100.0, 1100.0), t_low, EXP[True])
    half = n >> 1
    value = (rest + 1.0) * half.power_of_two() * (n - half).power_of_two()
    return lanes_power_ends(x, y, value)


def lanes_single_power(x, y):
    """|x|^y, in float64 to 31 bits before it is rounded."""
    e, f = lanes_exponent(x.abs())
    e, f = e.whole().wide(), f.wide()
    s = f / (f + 2.0)
    z = s * s
    w = z * z.times_plus(z.polynomial(POWER_LOG[False]), TWO_THIRDS[0])
    t = y.wide() * (s * (w + 2.0)).times_plus(LOG2_E[0], e)
    n, y = lanes_exp2_parts(t.within(-300.0, 300.0), t.constant(0.0), EXP[False])
    return ((y + 1.0) * n.power_of_two()).narrow()


def lanes_exp2_parts(t, low, coefficients):
    """n and y with 2^(t + low) = 2^n (1 + y)."""
    whole, n = t.nearest(1.0)
    r = ((t - whole) + low) * 0.6931471805599453
    return n, (r * r).times_plus(r.polynomial(coefficients), r)


def lanes_power_ends(x, y, value):
    """The power of x out of that of |x|: as pow of C has it at 0, infinities, nan and below 0."""
    size, infinity, one = x.abs(), float("inf"), x.constant(1.0)
    known = y.equals(y)
    vanishes = size.equals(0.0) ^ (y < 0.0)
    ends = (size.equals(0.0) | size.equals(infinity)) & known
    value = x.constant(0.0).where(vanishes, infinity).where(ends, value)
    value = one.where(size.equals(1.0) & known, value)
    half = y * 0.5
    whole = y.rint().equals(y)
    odd = whole & half.rint().differs(half)
    value = value.sign_of(x).where(odd, value)
    value = value.where((whole & x.equals(x)) | (x >= 0.0) | x.equals(-infinity), float("nan"))
    return one.where(x.equals(1.0) | y.equals(0.0), value)
