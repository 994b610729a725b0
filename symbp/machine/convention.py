"""What compiled functions and those who call them agree on.

A function takes the parts of all its arguments, for an array the address of its data and its extents, and
returns a status: 0, or the number of a message, from 1 on, or `NO_MEMORY`. What calls one that threads share
may also return `TAKEN` or `LEFT_RANGE`, see `symbp.machine.gate`.
"""

from llvmlite import ir

STATUS = ir.IntType(32)

NO_MEMORY, TAKEN, LEFT_RANGE = -1, -2, -3

NEW, FREE = "symbp_new", "symbp_free"
"""What the code calls to get memory and to give it back."""
