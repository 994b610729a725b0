"""Numbers part * 2^power that neither overflow nor underflow, as pairs of arrays.

Where exp(800) exp(-900) or (1e200)^2 1e-300 leave the range of floating point on their way, these do not: a
power may be as large as the largest number. Parts are float64, so digits are lost as everywhere. How many is
found by computing again with every result off by a few units in the last place, up or down by chance, and
once more the other way round (J. Vignes, A stochastic arithmetic for reliable scientific computation, 1993).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce
from typing import Any, NamedTuple

import numpy as np

FARTHEST = 2.0**1000
"""What is beyond two to this power is somewhere from there to its square: it is no longer known where, but it
is neither infinite nor 0, so that its logarithm is not."""

END = 4 * FARTHEST
"""The power that goes with what is infinite, and its opposite with 0."""

EXACT = 2.0**50
"""Powers that are larger are rounded when others are added to them."""

BEYOND = 2200
"""A power that float64 and its subnormal numbers are within."""

OFF = 2.0**-48
"""The most that a result is off, relatively. Of one unit there are so few multiples that two results of a
cancellation may be off by the same one."""

POWER_OFF = 2.0**-36
"""The most that powers are off which are rounded, relatively. It hardly happens that two of them cancel."""

LN2 = 0.6931471805599453
LN2_HIGH, LN2_LOW = 0.6931471803691238, 1.9082149292705877e-10
"""log 2 in two parts, of which the first ends in zeros: small multiples of it are exact."""

FEW = 64
"""Whole exponents up to this are multiplied out."""


class Scaled(NamedTuple):
    """part * 2^power, with 1/2 <= |part| < 1 and a whole power, or a part that is 0, infinite or nan."""

    part: Any
    power: Any


def scaled(values: Any, power: Any = 0.0) -> Scaled:
    """values * 2^power, of any values in floating point."""
    part, more = np.frexp(np.asarray(values, np.float64))
    power = power + more.astype(np.float64)
    if np.all((part != 0) & (np.abs(power) < END) & np.isfinite(part)):
        return Scaled(part, power)
    part = np.where((power >= END) & (part != 0), np.copysign(np.inf, part), part)
    part = np.where((power <= -END) & np.isfinite(part), np.copysign(0.0, part), part)
    return Scaled(part, np.where(part == 0, -END, np.where(np.isfinite(part), power, END)))


def rounded(number: Scaled) -> Any:
    """As float64: infinite, subnormal or 0 where the number is out of its range."""
    return np.ldexp(number.part, np.clip(number.power, -BEYOND, BEYOND).astype(int))


def chosen(condition: Any, one: Scaled, other: Scaled) -> Scaled:
    """One where the condition holds, else the other."""
    return Scaled(np.where(condition, one.part, other.part), np.where(condition, one.power, other.power))


def negative(u: Scaled) -> Scaled:
    return Scaled(-u.part, u.power)


def size(u: Scaled) -> Scaled:
    return Scaled(np.abs(u.part), u.power)


def equal(u: Scaled, v: Scaled) -> Any:
    return (u.part == v.part) & (u.power == v.power)


def less(u: Scaled, v: Scaled) -> Any:
    top = np.maximum(u.power, v.power)
    return _at(u, top) < _at(v, top)


def _at(u: Scaled, power: Any) -> Any:
    """What the part is where the power is another one, not less than its own."""
    return np.ldexp(u.part, np.maximum(u.power - power, -BEYOND).astype(int))


class Arithmetic:
    """Operations on scaled numbers.

    Args:
        chance: where it is given, results are off by a few units in the last place.
        way: 1, or -1 for the opposite of what chance gives. Of a difference that is nothing but rounding, one
            of both is positive, so that max(difference, 0) is not 0 by chance.
    """

    def __init__(self, chance: np.random.Generator | None = None, way: int = 1):
        self.chance, self.way = chance, way

    def made(self, values: Any, power: Any = 0.0) -> Scaled:
        """A result: values * 2^power."""
        off: Any = 0.0
        if self.chance is not None:
            off = self.way * self.chance.uniform(-1.0, 1.0, np.shape(values))
            values = values * (1 + OFF * off)
        distance = np.abs(power)
        if np.any(distance > EXACT):
            much = POWER_OFF * (off + np.sign(off)) / 2  # never so little that it is rounded away
            power = np.where((distance > EXACT) & np.isfinite(power), np.rint(power * (1 + much)), power)
            far = (distance > FARTHEST) & np.isfinite(power)
            power = np.where(far, np.copysign(FARTHEST * (1.5 + off / 2), power), power)
        return scaled(values, power)

    def add(self, *terms: Scaled) -> Scaled:
        powers: Any = [t.power for t in terms]
        top = np.maximum.reduce(np.broadcast_arrays(*powers))
        return self.made(sum(_at(t, top) for t in terms), top)

    def multiply(self, *factors: Scaled) -> Scaled:
        found = factors[0]
        for factor in factors[1:]:
            found = self.made(found.part * factor.part, found.power + factor.power)
        return found

    def divide(self, u: Scaled, v: Scaled) -> Scaled:
        return self.made(u.part / v.part, u.power - v.power)

    def sqrt(self, u: Scaled) -> Scaled:
        odd = np.mod(u.power, 2)
        return self.made(np.sqrt(u.part * (1 + odd)), (u.power - odd) / 2)

    def exp(self, u: Scaled) -> Scaled:
        """2^k exp(r) with u = k log 2 + r; of a large u, the error of u is the error of the result."""
        x = rounded(self.made(u.part, u.power))
        x = np.where(np.isfinite(u.part), np.clip(x, -END, END), x)
        k = np.rint(x / LN2)
        with np.errstate(invalid="ignore"):
            r = x - k * LN2_HIGH - k * LN2_LOW
        return self.made(np.exp(np.where(np.isinf(x), 0.0, np.clip(r, -0.4, 0.4))), k)

    def log(self, u: Scaled) -> Scaled:
        near = np.abs(u.power) < 1000
        far = np.log(u.part) + np.where(np.isfinite(u.power), u.power, 0.0) * LN2
        return self.made(np.where(near, np.log(rounded(u)), far))

    def power(self, base: Scaled, exponent: Scaled) -> Scaled:
        """base^exponent of any real exponent: exp(exponent log |base|) with its sign."""
        whole = rounded(exponent)
        odd = np.mod(whole, 2) == 1
        found = self.exp(self.multiply(exponent, self.log(size(base))))
        found = chosen((base.part < 0) & odd, negative(found), found)
        nothing = (base.part < 0) & (whole != np.rint(whole))
        found = chosen(nothing, scaled(np.nan), found)
        return chosen(exponent.part == 0, scaled(1.0), found)

    def whole_power(self, base: Scaled, exponent: int) -> Scaled:
        """base^exponent; multiplied out where that takes few products."""
        if abs(exponent) > FEW:
            return self.power(base, scaled(float(exponent)))
        found, square, left = scaled(1.0), base, abs(exponent)
        while left:
            found = self.multiply(found, square) if left % 2 else found
            square, left = self.multiply(square, square), left // 2
        return found if exponent >= 0 else self.divide(scaled(1.0), found)

    def apply(self, function: Callable[..., Any], *operands: Scaled) -> Scaled:
        """A function of NumPy's or SciPy's, of operands as float64; nan where it is infinite or 0 as they are
        too large or too small."""
        given = [rounded(u) for u in operands]
        found = function(*given)
        pairs = list(zip(given, operands, strict=True))
        lost = reduce(np.logical_or, [np.isinf(x) & np.isfinite(u.part) for x, u in pairs])
        lost = reduce(np.logical_or, [(x == 0) & (u.part != 0) for x, u in pairs], lost)
        return self.made(np.where(lost & (np.isinf(found) | (found == 0)), np.nan, found))

    def near_0(self, function: Callable[..., Any], u: Scaled, slope: float = 1.0, below: int = -60) -> Scaled:
        """A function that is slope * u where u is smaller than two to a power."""
        return chosen(u.power < below, self.made(slope * u.part, u.power), self.apply(function, u))
