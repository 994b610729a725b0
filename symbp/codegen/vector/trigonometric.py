"""sin, cos, tan and their inverses, as bodies over lanes."""

from __future__ import annotations

SIN = {
    False: (-0.000195688393432647, 0.008332657627761364, -0.166666641831398),
    True: (
        1.5919304400327072e-10, -2.5051152101674046e-08, 2.755731622913876e-06, -0.00019841269837102808,
        0.008333333333331326, -0.16666666666666666,
    ),
}  # fmt: skip
COS = {
    False: (2.4528948415536433e-05, -0.0013888212852180004, 0.0416666641831398),
    True: (
        -1.1373403567935074e-11, 2.0876011829656385e-09, -2.755731659404758e-07, 2.480158729739176e-05,
        -0.0013888888888886441, 0.041666666666666664,
    ),
}  # fmt: skip
ATAN = {
    False: (
        -0.06330761313438416, 0.10706567764282227, -0.14260494709014893, 0.19999441504478455,
        -0.3333333134651184,
    ),
    True: (
        -0.01924189953448594, 0.039289305332420685, -0.05087629968367966, 0.058586076672134106,
        -0.06664570185136237, 0.07692187893064653, -0.09090904810953972, 0.11111111022057606,
        -0.14285714284772713, 0.19999999999996246, -0.3333333333333333,
    ),
}  # fmt: skip
ASIN = {
    False: (
        0.03823968768119812, 0.014395819045603275, 0.0316794328391552, 0.044550247490406036,
        0.07500238716602325, 0.1666666567325592,
    ),
    True: (
        0.0302089133788146, -0.016976371313572228, 0.01876003455267014, 0.004958662163452159,
        0.010438753086713529, 0.011461408030251561, 0.013973026562648079, 0.017352271108615657,
        0.022372178100776977, 0.030381944009725766, 0.044642857148012687, 0.074999999999976,
        0.16666666666666669,
    ),
}  # fmt: skip
HALF_PI = {
    False: (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15),
    True: (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33),
}
"""pi/2 as a sum of numbers of each precision."""
PER_HALF_PI = 0.6366197723675814
NEAR = {False: 2.0**14, True: 2.0**30}
"""Sizes up to which the parts above are enough."""
TWO_OVER_PI = (
    "a2f9836e4e441529fc2757d1f534ddc0db6295993c439041fe5163abdebbc561b7246e3a424dd2e0"
    "06492eea09d1921cfe1deb1cb129a73ee88235f52ebb4484e99c7026b45f7e413991d639835339f4"
    "9c845f8bbdf9283b1ff897ffde05980fef2f118b5a0a6d1f6d367ecf27cb09b74f463f669e5fea2d"
    "7527bac7ebe5f17b3d0739f78a5292ea6bfb5fb11f8d5d0856033046fc7b6babf0cfbc209af4361d"
)
"""The first 1280 binary digits of 2/pi."""


def lanes_quarter_table(step, rows, columns):
    """2^(step row) 2/pi modulo 4, between -2 and 2, as a sum of numbers of 53 bits: one list per column."""
    digits, known = int(TWO_OVER_PI, 16), 4 * len(TWO_OVER_PI)
    table: list = [[] for _ in range(columns)]
    for row in range(rows):
        unit = known - step * row
        rest = digits % (4 << unit)
        rest -= (4 << unit) if rest >> (unit + 1) else 0
        for column in table:
            sign, size = (-1 if rest < 0 else 1), abs(rest)
            cut = max(size.bit_length() - 53, 0)
            column.append(sign * float(size >> cut) * 2.0 ** (cut - unit))
            rest -= sign * (size >> cut << cut)
    return table


def lanes_sum(a, b):
    """a + b and what it rounds off (Knuth's TwoSum)."""
    total = a + b
    part = total - a
    return total, (a - (total - part)) + (b - part)


def lanes_quarters(x):
    """k modulo 4, r and its rounding error with x = k pi/2 + r, |r| <= pi/4, for all finite x.

    Vectors take the short way, and the long one where it is needed. Loops that are still to be vectorised can
    have no branch.
    """
    if x.count == 1:
        return lanes_far_quarters(x)
    parts = 3 if x.double else 2
    near, found = x.abs() <= NEAR[x.double], lanes_near_quarters(x)
    mended = x.mended(near, found[:parts], lambda: lanes_far_quarters(x)[:parts])
    return *mended, *found[parts:]


def lanes_near_quarters(x):
    """The same for numbers of common sizes.

    x - k p with the first part p of pi/2 is exact: it is a multiple of the last digit of p or of x, and less
    than 1.
    """
    whole, k = x.nearest(PER_HALF_PI)
    first, second, third = HALF_PI[x.double]
    k_less = -whole
    r = k_less.fused(first, x)
    if not x.double:
        return k, k_less.times_plus(third, k_less.fused(second, r)), None
    part = k_less * second
    r, low = lanes_sum(r, part)
    return k, r, low + k_less.times_plus(third, k_less.fused(second, -part))


def lanes_far_quarters(x):
    """The same for all.

    x = M 2^(32 row) with an integer M from 2^53 on, and 2^(32 row) 2/pi is known modulo 4 (M. Payne and
    R. Hanek, "Radian reduction for trigonometric functions", SIGNUM Newsletter 18, 1983). The products
    by M are exact as pairs, so that their integer parts can be dropped. No number of 53 bits is closer
    to a multiple of pi/2 than 2^-62.
    """
    if not x.double:
        return lanes_single_quarters(x.wide())
    row = (((x.bits() >> 52) & 2047) - 1075).above(0) >> 5
    shifted = x * (row * -32).power_of_two()
    t1, t2, t3, t4 = (row.entry(column) for column in lanes_quarter_table(32, 31, 4))
    first, second, third = shifted * t1, shifted * t2, shifted * t3
    whole = first.rint()
    total, low1 = lanes_sum(first - whole, shifted.fused(t1, -first))
    total, low2 = lanes_sum(total, second)
    more = total.rint()
    low, rest1 = lanes_sum(low1, low2)
    low, rest2 = lanes_sum(low, shifted.fused(t2, -second))
    low, rest3 = lanes_sum(low, third)
    rest = (rest1 + rest2) + (rest3 + shifted.times_plus(t4, shifted.fused(t3, -third)))
    high, low = lanes_sum(total - more, low)
    low = low + rest
    half_pi, half_pi_low, _ = HALF_PI[True]
    r = high * half_pi
    low = high.fused(half_pi, -r) + high.times_plus(half_pi_low, low * half_pi)
    return lanes_modulo_four(whole, more), r, low


def lanes_single_quarters(x):
    """The same for a number of 24 bits, in float64: by selects, since five rows are enough."""
    size = x.abs()
    factors = []
    for column in lanes_quarter_table(24, 5, 2):
        factor = x.constant(column[0])
        for row in range(1, 5):
            factor = x.constant(column[row] * 2.0 ** (-24 * row)).where(
                size >= 2.0 ** (23 + 24 * row), factor
            )
        factors.append(factor)
    product = x * factors[0]
    whole = product.rint()
    fraction = (product - whole) + x.times_plus(factors[1], x.fused(factors[0], -product))
    more = fraction.rint()
    k = lanes_modulo_four(whole, more)
    return k.narrow(), ((fraction - more) * HALF_PI[True][0]).narrow(), None


def lanes_modulo_four(a, b):
    """The last two bits of a sum of integers."""
    total = (a - (a * 0.25).rint() * 4.0) + (b - (b * 0.25).rint() * 4.0)
    return total.nearest(1.0)[1]


def lanes_sin_cos(r, low):
    """sin and cos of r + low, |r| <= pi/4."""
    z = r * r
    sin = (r * z).times_plus(z.polynomial(SIN[r.double]), r if low is None else low)
    half = z * 0.5
    near = 1.0 - half
    tail = z * z * z.polynomial(COS[r.double])
    if low is None:
        return sin, near + (((1.0 - near) - half) + tail)
    return r + sin, near + (((1.0 - near) - half) + (tail - r * low))


def lanes_sin(x):
    k, r, low = lanes_quarters(x)
    sin, cos = lanes_sin_cos(r, low)
    value = cos.where((k & 1).equals(1), sin)
    value = (-value).where((k & 2).equals(2), value)
    return x.where(x.abs() < (2.0**-27 if x.double else 2.0**-13), value)


def lanes_cos(x):
    k, r, low = lanes_quarters(x)
    sin, cos = lanes_sin_cos(r, low)
    value = sin.where((k & 1).equals(1), cos)
    return (-value).where(((k + 1) & 2).equals(2), value)


def lanes_tan(x):
    k, r, low = lanes_quarters(x)
    sin, cos = lanes_sin_cos(r, low)
    odd = (k & 1).equals(1)
    value = (-cos).where(odd, sin) / sin.where(odd, cos)
    return x.where(x.abs() < (2.0**-27 if x.double else 2.0**-13), value)


def lanes_atan(x):
    """atan(t) = pi/4 + atan((t - 1)/(t + 1)) = pi/2 - atan(1/t)."""
    size = x.abs()
    middle, large = size > 0.4142135623730951, size > 2.414213562373095
    above = x.constant(-1.0).where(large, (size - 1.0).where(middle, size))
    below = size.where(large, (size + 1.0).where(middle, 1.0))
    return lanes_atan_quotient(above / below, middle, large).sign_of(x)


def lanes_atan_quotient(t, middle, large):
    z = t * t
    half, half_low, _ = HALF_PI[t.double]
    turn = t.constant(half).where(large, t.constant(half / 2).where(middle, 0.0))
    turn_low = t.constant(half_low).where(large, t.constant(half_low / 2).where(middle, 0.0))
    return turn + (t + (t * z).times_plus(z.polynomial(ATAN[t.double]), turn_low))


def lanes_asin_parts(x):
    """s, z and t: asin of a size up to 1/2 is s + t, of a greater one pi/2 - 2 (s + t)."""
    size = x.abs()
    large = size > 0.5
    z = ((1.0 - size) * 0.5).where(large, size * size)
    root = z.sqrt()
    lost = (-root).fused(root, z) / (root + root)
    s = root.where(large, size)
    lost = lost.where(large & (root > 0.0), 0.0)
    return large, s, (s * z).times_plus(z.polynomial(ASIN[x.double]), lost)


def lanes_asin(x):
    large, s, t = lanes_asin_parts(x)
    half, half_low, _ = HALF_PI[x.double]
    high = half - (s + s)
    low = (half - high) - (s + s)
    far = high + (low - (t + t) + half_low)
    return far.where(large, s + t).sign_of(x)


def lanes_acos(x):
    large, s, t = lanes_asin_parts(x)
    half, half_low, _ = HALF_PI[x.double]
    signed = (-t).where(x < 0.0, t)
    near = half - (x - (half_low - signed))
    far = (half - (s + (t - half_low))).where(x < 0.0, s + t)
    return (far + far).where(large, near)
