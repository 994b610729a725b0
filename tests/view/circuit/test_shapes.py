from symbp.view.circuit.shapes import ADVANCE, text_width


def test_width_counts_columns():
    assert text_width("abc", 10) == 30 * ADVANCE
    assert text_width("字", 10) == 20 * ADVANCE
    assert text_width("e\u0301", 10) == 10 * ADVANCE


def test_the_font_of_png_is_not_wider():
    from matplotlib.font_manager import FontProperties
    from matplotlib.textpath import TextPath

    path = TextPath((0, 0), "M" * 100, size=10, prop=FontProperties(family="DejaVu Sans Mono"))
    assert path.get_extents().width <= text_width("M" * 100, 10)
