"""Entries of products of whole numbers, one after the other."""

from __future__ import annotations

from numba import njit


@njit
def wrong_entries(c, c_row, a, a_steps, b, b_steps, rows, columns, depth, fresh):
    """How many entries are not those of the product, or 1 where there is none; before they were all 1.

    The steps are from row to row and from column to column.
    """
    wrong = 0
    for m in range(rows + 1):
        for n in range(columns + 1):
            want = 1.0
            if m < rows and n < columns:
                want = 0.0 if fresh else 1.0
                for k in range(depth):
                    want += a[m * a_steps[0] + k * a_steps[1]] * b[k * b_steps[0] + n * b_steps[1]]
            wrong += c[m * c_row + n] != want
    return wrong
