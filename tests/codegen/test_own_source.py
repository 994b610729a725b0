import inspect

import pytest

from symbp.codegen import crew, gamma, lockstep, micro, parts, registers, support, tile
from symbp.codegen.own_source import own_source


def plain(item):
    return getattr(item, "py_func", getattr(item, "_defn", item))


ITEMS = {
    f"{home.__name__.rpartition('.')[2]}.{name}": item
    for home in (crew, gamma, lockstep, micro, parts, registers, support, tile)
    for name, item in vars(home).items()
    if getattr(plain(item), "__module__", "") == home.__name__ and hasattr(plain(item), "__qualname__")
}


@pytest.mark.parametrize("name", ITEMS)
def test_it_is_the_text_that_python_finds(name):
    item = ITEMS[name]
    assert own_source(item) == inspect.getsource(inspect.unwrap(plain(item))).rstrip()
    assert own_source(item) is own_source(item)
