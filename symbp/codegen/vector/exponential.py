"""exp and what is made of it, as bodies over lanes."""

from __future__ import annotations

EXP = {
    False: (
        0.00019907706882804632, 0.0013933732407167554, 0.00833328627049923, 0.041666463017463684,
        0.1666666716337204, 0.5,
    ),
    True: (
        2.092167384613066e-09, 2.5105313201949793e-08, 2.7557252667099957e-07, 2.755725516897875e-06,
        2.4801587347585924e-05, 0.00019841269875002916, 0.0013888888888874298, 0.008333333333326084,
        0.041666666666666685, 0.1666666666666667, 0.5,
    ),
}  # fmt: skip
LN2 = {False: (0.693145751953125, 1.428606820309417e-06), True: (0.6931471803691238, 1.9082149292705877e-10)}
PER_LN2 = 1.4426950408889634


def lanes_exp_parts(x):
    """n and y with exp(x) = 2^n (1 + y), |y| < 0.42.

    x - n log 2 with log 2 in two parts, the first with enough zeros at its end that n times it is exact
    (W. J. Cody and W. Waite, Software Manual for the Elementary Functions, 1980). EXP approximates
    (exp(r) - 1 - r)/r^2 on |r| < 0.347.
    """
    whole, n = x.nearest(PER_LN2)
    high, low = LN2[x.double]
    r = whole.times_plus(-low, whole.times_plus(-high, x))
    return n, (r * r).times_plus(r.polynomial(EXP[x.double]), r)


def lanes_exp(x):
    """The power of two in two factors: results may be subnormal, and are rounded once."""
    n, y = lanes_exp_parts(x.within(-746.0, 710.0) if x.double else x.within(-104.0, 89.0))
    half = n >> 1
    return (1.0 + y) * half.power_of_two() * (n - half).power_of_two()


def lanes_expm1(x):
    """2^n y + (2^n - 1), in units of 2 so that 2^n does not overflow before the result does."""
    n, y = lanes_exp_parts(x.within(-40.0, 710.0) if x.double else x.within(-20.0, 89.0))
    half = (n - 1).power_of_two()
    value = half.times_plus(y, half - 0.5) * 2.0
    return x.where(x.abs() < (2.0**-54 if x.double else 2.0**-25), value)


def lanes_tanh(x):
    """t/(t + 2) with t = exp(2|x|) - 1; 1 in all digits beyond the limit."""
    size = x.abs()
    n, y = lanes_exp_parts(2.0 * size.below(20.0 if x.double else 10.0))
    scale = n.power_of_two()
    t = scale.times_plus(y, scale - 1.0)
    return (t / (t + 2.0)).sign_of(x)


def lanes_sinh(x):
    """2q + 2q/(4q + 1) with q = (exp|x| - 1)/4."""
    size = x.abs()
    n, y = lanes_exp_parts(size.below(710.6 if x.double else 89.5))
    quarter = (n - 2).power_of_two()
    q = quarter.times_plus(y, quarter - 0.25)
    q = q + q
    part = q.below(1e30 if x.double else 1e15)
    value = q + part / (part.times_plus(2.0, 1.0))
    return size.where(size < (1e-9 if x.double else 1e-5), value).sign_of(x)


def lanes_cosh(x):
    """2q + 1/(8q) with q = exp|x|/4."""
    n, y = lanes_exp_parts(x.abs().below(710.6 if x.double else 89.5))
    q = (n - 2).power_of_two() * (1.0 + y)
    return q.times_plus(2.0, 1.0 / (q * 8.0))
