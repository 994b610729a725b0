"""Short ways are made once, after some calls, while nothing else is compiled."""

from __future__ import annotations

from symbp.runtime import direct
from symbp.runtime.lock import MAKING
from symbp.runtime.often import OFTEN, Often


def test_one_is_made_at_the_last_of_some_calls(monkeypatch):
    monkeypatch.setattr(direct, "direct_samples", lambda *given: given)
    often = Often("direct_samples", 1, 2)
    assert [often() for _ in range(OFTEN + 2)] == [None] * (OFTEN - 1) + [(1, 2)] + [None] * 2


def test_no_child_is_forked_while_it_is_made(monkeypatch):
    """The child could wait for ever for Numba's lock, which a thread held that it does not have."""
    depths = []
    monkeypatch.setattr(direct, "direct_samples", lambda: depths.append(MAKING._depth))
    often = Often("direct_samples")
    for _ in range(OFTEN):
        often()
    assert depths == [1]
