"""What each agent of a ladder saved against asking the last of it at once."""

from __future__ import annotations

from typing import Any

from scenarios.rungs_saved import rung_lines


def of(agent: str, cost: float, *, wrote: bool, state: str = "executed", **fields: Any) -> Any:
    return {
        "agent": agent, "capability": "intent", "state": state, "attempt": 1, "wrote": ["k"] if wrote else [],
        "usage": [{"cost": cost}], **fields,
    }  # fmt: skip


def registry(**instead_of: list[str]) -> Any:
    return {
        name: {"name": name, "capabilities": ["intent"], "instead_of": before} for name, before in instead_of.items()
    }


LADDER = registry(words=[], small=["words"], large=["words", "small"])


def test_what_a_rung_saved_is_the_price_of_the_last_for_what_it_answered_above_its_own() -> None:
    """Failed calls cost, too; what was never called saved nothing."""
    activations = [
        *[of("words", 0.0, wrote=True)] * 3, of("words", 0.0, wrote=False), of("small", 0.1, wrote=True),
        of("small", 0.0, wrote=False, state="abandoned", passed_to="large", attempts=[{"cost": 0.2}]),
        of("large", 1.0, wrote=True), of("large", 3.0, wrote=True), of("large", 0.0, wrote=False, state="escalated", attempt=0),
    ]  # fmt: skip
    words, small, large = rung_lines(LADDER, activations)
    assert (words.asked, words.answered, words.passed_on, words.saved) == (4, 3, 1, 6.0)
    assert (small.asked, small.answered, small.passed_on, round(small.saved or 0, 9)) == (2, 1, 1, 1.7)
    assert (large.asked, large.answered, large.cost, large.saved) == (2, 2, 4.0, None)


def test_nothing_is_known_of_what_was_saved_where_the_last_was_never_called() -> None:
    assert [line.saved for line in rung_lines(LADDER, [of("words", 0.0, wrote=True)])] == [None, None, None]
    assert rung_lines(registry(a=[], b=[]), []) == ()
