"""The text of functions and classes of this package, which generated modules carry with them."""

from __future__ import annotations

import inspect
import linecache
import re
from functools import cache
from typing import Any


@cache
def own_source(item: Any) -> str:
    """The text of a function or class at the top of a file, decorators included.

    `inspect.getsource` finds where it ends by reading the file token by token, for each item anew; formatted
    as these files are, it ends before the next line that begins at the margin.

    Args:
        item: may be what Numba made of a function.
    """
    item = inspect.unwrap(getattr(item, "py_func", getattr(item, "_defn", item)))
    lines = linecache.getlines(inspect.getfile(item))
    if inspect.isclass(item):
        first = next(k for k, line in enumerate(lines) if re.match(rf"class {item.__name__}\b", line))
        while lines[first - 1].startswith("@"):
            first -= 1
    else:
        first = item.__code__.co_firstlineno - 1
    last = first
    while lines[last].startswith("@"):
        last += 1
    last += 1
    while last < len(lines) and (not lines[last].strip() or lines[last][0] in " )"):
        last += 1
    return "".join(lines[first:last]).rstrip()
