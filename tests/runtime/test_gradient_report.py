"""Reports of gradient checks: what passes, what is worst, and what the error says."""

from symbp.runtime.gradient_report import Comparison, GradientReport, failure

GOOD = Comparison("complex step", 3, 0, "w[1]", 2.0, 2.0, 1e-15, 1e-10)
BAD = Comparison("central differences", 3, 0, "w[2]", 2.0, 3.0, 0.33, 1e-6)
NONE = Comparison("complex step", 0, 3, "", 0.0, 0.0, 0.0, 1e-10)


def report(*rows, repeatable=True):
    return GradientReport("net", rows, repeatable, 3)


def test_passes_only_where_all_comparisons_and_the_second_run_do():
    assert report(GOOD).passed
    assert not report(GOOD, BAD).passed
    assert not report(GOOD, repeatable=False).passed
    assert not report(NONE).passed
    assert report().passed


def test_worst_is_relative_to_what_is_allowed():
    assert report(GOOD, BAD).worst is BAD
    assert report(GOOD, NONE).worst is GOOD
    assert report().worst is None


def test_the_table_marks_what_failed():
    lines = str(report(GOOD, BAD)).splitlines()
    assert [line.endswith("FAILED") for line in lines] == [False, False, False, True, False, True]
    assert "w[2] (analytic 2, numeric 3)" in lines[3]
    assert "DIFFERENT BITS" in str(report(GOOD, repeatable=False))


def test_the_error_names_the_worst_entry_or_why_there_is_none():
    assert "wrong at w[2]: analytic 2" in str(failure(report(GOOD, BAD)))
    assert "different bits" in str(failure(report(GOOD, repeatable=False)))
    assert "each of 3 entries" in str(failure(report(NONE)))
