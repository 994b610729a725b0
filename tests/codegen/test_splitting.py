"""Numbers as sums of parts: multiplied by the unit matrix they come out as they were."""

from __future__ import annotations

import numpy as np
import pytest

from symbp.codegen.splitting import LARGEST
from tests.codegen.test_unit_product import WAYS, product


@pytest.mark.parametrize("way", WAYS)
def test_every_number_is_the_sum_of_its_parts(way):
    """Times the unit matrix numbers stay what they are, those beyond the largest that is split too."""
    random = np.random.default_rng(2)
    bits = (
        random.integers(0, 1 << 23, (300, 64), np.uint32)
        | random.integers(0, 170, (300, 64), np.uint32) << 23
    )
    a = (bits | random.integers(0, 2, (300, 64), np.uint32) << 31).view(np.float32)
    a[0, :4] = 0.0, -0.0, 2.0**-149, np.array(LARGEST, np.uint32).view(np.float32)
    np.testing.assert_array_equal(product(a, np.eye(64, dtype=np.float32), way), a)
    if way != "turned":  # the other factor
        np.testing.assert_array_equal(product(np.eye(300, dtype=np.float32), a, way), a)
