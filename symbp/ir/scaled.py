"""Numbers part * 2^power that neither overflow nor underflow, as pairs of arrays.

Where exp(800) exp(-900) or (1e200)^2 1e-300 leave the range of floating point on their way, these do not: a
power may be as large as the largest number. Parts are float64, so digits are lost as everywhere. How many is
found by computing twice, the second time with every result off by a few units in the last place, up or down
by chance (J. Vignes, A stochastic arithmetic for reliable scientific computation, 1993).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

FARTHEST = 2.0**1000
"""Numbers beyond two to this power are infinite, or 0."""

BEYOND = 2200
"""A power that float64 and its subnormal numbers are within."""

OFF = 2.0**-48
"""The most that a result is off, relatively. Of one unit there are so few multiples that two results of a
cancellation may be off by the same one."""

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
    if np.all((part != 0) & (np.abs(power) <= FARTHEST) & np.isfinite(part)):
        return Scaled(part, power)
    part = np.where((power > FARTHEST) & (part != 0), np.copysign(np.inf, part), part)
    part = np.where((power < -FARTHEST) & np.isfinite(part), np.copysign(0.0, part), part)
    return Scaled(part, np.where(part == 0, -FARTHEST, np.where(np.isfinite(part), power, FARTHEST)))


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
    """

    def __init__(self, chance: np.random.Generator | None = None):
        self.chance = chance

    def made(self, values: Any, power: Any = 0.0) -> Scaled:
        """A result: values * 2^power."""
        if self.chance is not None:
            values = values * (1 + OFF * self.chance.uniform(-1.0, 1.0, np.shape(values)))
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
        """A function of NumPy's or SciPy's, of operands as float64; nan where it is infinite as they are too
        large."""
        given = [rounded(u) for u in operands]
        found = function(*given)
        pairs = zip(given, operands, strict=True)
        lost = np.logical_or.reduce([np.isinf(x) & np.isfinite(u.part) for x, u in pairs])
        return self.made(np.where(lost & np.isinf(found), np.nan, found))

    def near_0(self, function: Callable[..., Any], u: Scaled, slope: float = 1.0, below: int = -60) -> Scaled:
        """A function that is slope * u where u is smaller than two to a power."""
        return chosen(u.power < below, self.made(slope * u.part, u.power), self.apply(function, u))
