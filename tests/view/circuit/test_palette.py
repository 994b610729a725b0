"""Colours can be told from what is behind them (WCAG 2.1, 1.4.3: a contrast of 4.5 for text)."""

import pytest

from symbp.view.circuit.palette import BOXES, DARK, LIGHT, TEXTS


def luminance(colour):
    channels = (int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5))
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(a, b):
    high, low = sorted((luminance(a), luminance(b)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("colours", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast(colours):
    for kind in TEXTS:
        assert contrast(colours[kind], colours["background"]) >= 4.5, kind
    for box in BOXES:
        assert contrast(colours["ink"], colours[box]) >= 7, box
        assert contrast(colours["muted"], colours[box]) >= 4.5, box
    assert contrast(colours["wire"], colours["background"]) >= 3
