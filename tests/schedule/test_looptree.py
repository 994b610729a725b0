from symbp.ir import BATCH, Access, Index, Statement
from symbp.schedule.looptree import Nest, Place, batched, sums_batch

n, i = Index("n", BATCH), Index("i", 3)
x = Access("x", n, i)


def test_statements_over_the_samples_and_sums_over_them():
    rows = Statement("a", (n, i), x)
    within = Statement("s", (n,), x, "sum", (i,))
    over = Statement("g", (i,), x, "sum", (n,))
    everything = Statement("t", (), x, "sum", (i, n))
    fixed = Statement("c", (i,), Access("w", i))
    assert [batched(s) for s in (rows, within, over, everything, fixed)] == [True, True, False, False, False]
    assert [sums_batch(s) for s in (rows, within, over, everything, fixed)] == [
        False,
        False,
        True,
        True,
        False,
    ]


def test_the_batch_axis_comes_first():
    assert not batched(Statement("a", (i, n), x))


def test_a_nest_knows_what_it_computes():
    nest = Nest((BATCH, 3))
    nest.statements += [Statement("a", (n, i), x), Statement("b", (n, i), 2 * x)]
    assert nest.targets == {"a", "b"}
    assert Nest((3,)).statements == []


def test_places_are_compared_by_content():
    assert Place("work", 8) == Place("work", 8)
    assert Place("work", 8) != Place("work", 8, streamed=True)
