import numpy as np
import pytest

from symbp.machine.convention import NO_MEMORY
from tests.machine.texts import machine


def test_a_status_is_nothing_a_message_or_a_lack_of_memory():
    function = machine("@njit\ndef run(x, out):\n    if x[0] < 0:\n        raise ValueError('negative')\n")
    function.raise_status(0)
    with pytest.raises(ValueError, match="negative"):
        function.raise_status(1)
    with pytest.raises(MemoryError):
        function.raise_status(NO_MEMORY)
    with pytest.raises(ValueError, match="negative"):
        function(-np.ones(1), np.ones(1))
