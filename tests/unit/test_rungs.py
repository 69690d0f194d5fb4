"""Whose turn a piece of work is, among agents that stand in for each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from controller.rungs import FIRST_OF, ranks_of, stand_of, turn

if TYPE_CHECKING:
    from controller.rungs import Stand

RANKS = (("a",), ("b", "c"), ("d",))
STANDS: st.SearchStrategy[dict[str, Stand]] = st.dictionaries(st.sampled_from("abcd"), st.sampled_from(FIRST_OF))


@given(STANDS)
def test_the_turn_is_that_of_the_first_who_can_and_of_nobody_beside_him(stands: dict[str, Stand]) -> None:
    """Said again, plainly: one who has done it ends it; one at work keeps the others off, but for his own rank."""
    got = turn(RANKS, stands).agents
    if any(stand in ("done", "ended") for stand in stands.values()):
        assert got == ()
        return
    working = next((rank for rank in RANKS if any(stands.get(n) in ("busy", "asked") for n in rank)), None)
    able = [[n for n in rank if stands.get(n) in ("ready", "queued")] for rank in RANKS if working in (None, rank)]
    first = next((names for names in able if names), [])
    if first or working:
        assert list(got) == first
        return
    blocked = ([n for n in rank if stands.get(n) == "blocked"] for rank in RANKS)
    assert list(got) == next((names for names in blocked if names), [])


@given(STANDS)
def test_there_is_a_reason_for_everybody_who_has_no_turn(stands: dict[str, Stand]) -> None:
    told = turn(RANKS, stands)
    assert bool(told.because) == bool(stands)
    assert told.holder in told.because


def test_what_was_taken_back_says_nothing_of_the_work() -> None:
    """An executed activation whose records no longer stand, and one whose trigger went away."""
    stands = [
        stand_of(record)  # type: ignore[arg-type]  # in small
        for record in (
            {"state": "executed", "wrote": ["k"]}, {"state": "executed", "wrote": ["k"], "withdrawn": "a cause is gone"},
            {"state": "obviated"}, {"state": "obviated", "passed_to": "b"}, {"state": "proposed"}, {"state": "vetoed"},
        )
    ]  # fmt: skip
    assert stands == ["done", None, None, "passed", "busy", "ended"]


def test_agents_come_in_the_order_in_which_they_name_each_other() -> None:
    """Those that name nobody race; one that is not here is nobody to wait for; a circle is cut at the first by name."""
    assert ranks_of({"a": (), "b": ("a",), "c": ("a",), "d": ("b", "c")}) == (("a",), ("b", "c"), ("d",))
    assert ranks_of({"b": ("a",), "c": ()}) == (("b", "c"),)
    assert ranks_of({"b": ("a",), "a": ("b",), "c": ("c",)}) == (("c",), ("a",), ("b",))
    chain: dict[str, tuple[str, ...]] = {
        f"n{at:02}": tuple(f"n{before:02}" for before in range(at)) for at in range(60)
    }
    assert len(ranks_of(dict(**chain))) == 60
