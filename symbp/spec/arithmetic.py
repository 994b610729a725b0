"""Sums, products and powers of scalars and matrices, with the shapes checked here.

SymPy would check shapes too, but its errors name neither the operand at fault nor the shapes' owners, and
its operators rewrite as they go (A*A becomes A**2). What is built here equals what the same formula gives
in Python, except that products of equal matrices stay products.
"""

from __future__ import annotations

from collections.abc import Sequence

import sympy as sp
from sympy.matrices import MatrixBase

from symbp.spec.constants import Measure
from symbp.spec.scalars import product, raised, total
from symbp.spec.usage import NOT_COMPILED


class OperandError(ValueError):
    """Operand number `position` does not fit the operands before it."""

    def __init__(self, problem: str, position: int, hint: str | None = None):
        self.problem, self.position, self.hint = problem, position, hint
        super().__init__(problem)


def is_matrix(value: object) -> bool:
    """Whether `value` is a matrix or a vector: anything with two extents."""
    return isinstance(value, (sp.MatrixExpr, MatrixBase))


def is_scalar(value: object) -> bool:
    """Whether `value` is a number-valued expression."""
    return isinstance(value, sp.Expr) and not is_matrix(value) and not isinstance(value, sp.IndexedBase)


def shape_text(value: sp.Basic) -> str:
    """The shape of `value` for an error message: "32x1", or "scalar"."""
    return "x".join(str(extent) for extent in value.shape) if is_matrix(value) else "scalar"


def add(terms: Sequence[sp.Basic], signs: Sequence[int]) -> sp.Basic:
    """The sum of `sign * term`; all terms are scalars, or matrices of one shape.

    Raises:
        OperandError: where the shape of a term differs from that of the first.
    """
    first = terms[0]
    for position, term in enumerate(terms):
        if shape_text(term) != shape_text(first):
            hint = "transpose one with .T, or index them: z[i] = x[i] + y[i]"
            if "1x1" in (shape_text(term), shape_text(first)):
                hint = "the entry of a 1x1 matrix M is the scalar M[0, 0]"
            elif is_matrix(term) != is_matrix(first):
                hint = "a matrix takes no scalar term; in index notation, each of its entries does"
            problem = f"a sum of different shapes: {shape_text(first)} and {shape_text(term)}"
            raise OperandError(problem, position, hint)
    signed = [term if sign > 0 else negate(term) for term, sign in zip(terms, signs, strict=True)]
    if not is_matrix(first):
        return total(signed)
    return _matrix_sum(signed)


def _matrix_sum(terms: Sequence[sp.Basic]) -> sp.Basic:
    """The sum of matrices in SymPy's order, the multiples of one matrix gathered."""
    multiples: dict[tuple[sp.Basic, ...], list[sp.Basic]] = {}  # coefficients, by matrix factors
    for term in terms:
        for part in term.args if isinstance(term, sp.MatAdd) else (term,):
            factors = part.args if isinstance(part, sp.MatMul) else (part,)
            scalars = [factor for factor in factors if not is_matrix(factor)]
            matrices = tuple(factor for factor in factors if is_matrix(factor))
            multiples.setdefault(matrices, []).append(product(scalars))
    parts = [_scaled([total(scalars)], list(matrices)) for matrices, scalars in multiples.items()]
    parts = [part for part in parts if not isinstance(part, sp.ZeroMatrix)]
    if not parts:
        return sp.ZeroMatrix(*terms[0].shape)
    return parts[0] if len(parts) == 1 else sp.MatAdd(*sorted(parts, key=sp.default_sort_key))


def negate(value: sp.Basic) -> sp.Basic:
    """`-value`, for a scalar or a matrix."""
    return multiply([sp.S.NegativeOne, value], "**")


def multiply(factors: Sequence[sp.Basic], operators: Sequence[str]) -> sp.Basic:
    """The product of `factors`; `operators[k]` joins factor k to those before it ("*", "/" or "@").

    Scalars scale; neighbouring matrices are multiplied as matrices.

    Raises:
        OperandError: where shapes do not fit, or a matrix is a divisor.
    """
    scalars: list[sp.Basic] = []
    matrices: list[sp.Basic] = []
    for position, (factor, operator) in enumerate(zip(factors, operators, strict=True)):
        if operator == "@" and not (is_matrix(factor) and matrices):
            raise OperandError("@ multiplies matrices, and one side is a scalar", position, "write *")
        if is_matrix(factor):
            if operator == "/":
                hint = "the elementwise quotient is hadamard(a, reciprocal(b))"
                raise OperandError("a division by a matrix", position, hint)
            if matrices and matrices[-1].shape[1] != factor.shape[0]:
                raise _misfit(matrices[-1], factor, position)
            matrices.append(factor)
        elif operator == "/":
            if factor == 0:
                raise OperandError("a division by zero", position, "divide by something else than 0")
            scalars.append(raised(factor, sp.S.NegativeOne))
        else:
            scalars.append(factor)
    if not matrices:
        return product(scalars)
    return _scaled(scalars, matrices)


def _scaled(scalars: list[sp.Basic], matrices: list[sp.Basic]) -> sp.Basic:
    """`scalars * matrices` as one flat MatMul, its scalar factors gathered in front."""
    flat: list[sp.Basic] = []
    for matrix in matrices:
        parts = matrix.args if isinstance(matrix, sp.MatMul) else (matrix,)
        scalars = scalars + [part for part in parts if not is_matrix(part)]
        flat += [part for part in parts if is_matrix(part)]
    coefficient = product(scalars)
    if coefficient == 0:
        return sp.ZeroMatrix(flat[0].shape[0], flat[-1].shape[1])
    if coefficient == 1:
        return flat[0] if len(flat) == 1 else sp.MatMul(*flat)
    return sp.MatMul(coefficient, *flat)


def transposed(matrix: sp.Basic) -> sp.Basic:
    """The transpose, written down for the factors of products and the terms of sums."""
    if isinstance(matrix, sp.MatAdd):
        return _matrix_sum([transposed(term) for term in matrix.args])
    if isinstance(matrix, sp.MatMul):
        scalars = [factor for factor in matrix.args if not is_matrix(factor)]
        return _scaled(scalars, [transposed(f) for f in reversed(matrix.args) if is_matrix(f)])
    return matrix.T


def _misfit(left: sp.Basic, right: sp.Basic, position: int) -> OperandError:
    hint = "a product has the shapes (m, k) and (k, n)"
    if left.shape == right.shape:
        hint = "the elementwise product is hadamard(a, b); transpose one side with .T for the matrix product"
    elif left.shape[0] == right.shape[0]:
        hint = "transpose the left side with .T?"
    problem = f"a matrix product of shapes that do not fit: {shape_text(left)} times {shape_text(right)}"
    return OperandError(problem, position, hint)


def power(base: sp.Basic, exponent: sp.Basic, measure: Measure) -> sp.Basic:
    """`base ** exponent` for scalars.

    Raises:
        OperandError: for matrices.
        ConstantError: for giant powers.
    """
    for position, operand in enumerate((base, exponent)):
        if is_matrix(operand):
            hint = "square elementwise with square(a) or hadamard(a, a); a matrix product is A*A"
            if exponent.is_number and exponent.is_negative:
                hint = f"{NOT_COMPILED['inverse']}; elementwise it is reciprocal(a)"
            raise OperandError("a power of or by a matrix", position, hint)
    measure.check_power(base, exponent)
    return raised(base, exponent)
