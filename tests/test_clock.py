import time

import pytest

from symbp.clock import Clock


def test_time_is_added_up_by_name():
    clock = Clock()
    assert clock("wait", lambda a, b: (time.sleep(0.02), a + b)[1], 1, 2) == 3
    clock("wait", time.sleep, 0.02)
    clock("nothing", list)
    assert clock.seconds["wait"] >= 0.04
    assert clock.seconds["nothing"] < 0.02
    with pytest.raises(ZeroDivisionError):
        clock("wrong", lambda: 1 / 0)
