import time

from rich.console import Console

from symbp.stages import Work, duration, time_per_call

SPEC = """
name = "the [bold]small[/bold] one"
loss = "E"
[inputs]
x = 3
[parameters]
w = 3
[equations]
E = "dot(w, x)**2"
"""


def work(tmp_path, dtype=None):
    path = tmp_path / "small.toml"
    path.write_text(SPEC)
    return Work(path, dtype, Console(quiet=True))


def test_first_calls_that_compile_are_not_timed():
    slow = [0.03, 0.03, 0.03]

    def call():
        time.sleep(slow.pop() if slow else 0.0)

    assert time_per_call(call, budget=0.02) < 2e-3


def test_times():
    assert [duration(t) for t in (2.5, 0.0123, 4.56e-6, 7e-9)] == ["2.5 s", "12.3 ms", "4.56 µs", "7 ns"]
    assert 0 < time_per_call(lambda: None, budget=0.01) < 1e-3


def test_every_stage_is_noted_once(tmp_path):
    w = work(tmp_path)
    theta, data = w.model.init(0), w.data(w.spec.check)
    assert data["x"].shape == (w.spec.check.samples, 3)
    w.check(w.spec.check)
    w.measure(theta, data)
    assert [stage for stage, _, _ in w.stages] == ["derived", "compiled", "checked", "a call of", "a call of"]
    assert w.table().row_count == 5
    assert w.derivation is w.model.derivation  # derived once


def test_formulas_need_no_kernel(tmp_path):
    w = work(tmp_path)
    assert w.derivation.loss == "E"
    assert w.stages == []


def test_timings_have_a_row_for_each_kernel_and_batch(tmp_path):
    assert work(tmp_path).timings([1, 2, 3]).row_count == 6


def test_the_number_type_is_that_of_the_file_unless_given(tmp_path):
    assert work(tmp_path).dtype == "float64"
    assert work(tmp_path, "float32").dtype == "float32"


def test_names_from_the_file_are_no_markup(tmp_path):
    console = Console(width=200)
    with console.capture() as seen:
        console.print(work(tmp_path).summary())
    assert seen.get().startswith("the [bold]small[/bold] one: 1 equation, 1 input, 1 parameter (3 numbers)")
