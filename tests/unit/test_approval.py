"""Which contributions wait, which decisions are critical, and that what waits is kept as it was made."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackboard import codec
from blackboard.commit import Absent, At, Delete, Present, Put, Unchanged, Update
from blackboard.control_records import Proposal
from blackboard.control_shapes import wrong_in
from blackboard.errors import InvalidInput
from blackboard.pattern import Pattern
from blackboard.record import Stamp
from controller.approval import Review, critical_keys, verdict
from controller.proposing import guards_in, held_contribution, how_sure, writes_in
from knowledge_sources import InvalidContribution, Sure, knowledge_source
from knowledge_sources.confidence import APPROVALS
from knowledge_sources.outcome import Contribution
from tests.leading import declared


def codec_takes(value: Any) -> bool:
    try:
        codec.check_value(value)
    except InvalidInput:
        return False
    return True


confidences = st.none() | st.floats(0, 1)
approvals = st.sampled_from(APPROVALS)
keys = st.from_regex(r"[a-z]{1,5}/[a-z0-9]{1,5}", fullmatch=True)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 53), 1 << 53) | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
).filter(codec_takes)
writes = st.lists(
    st.builds(Put, keys, plain, st.none() | st.integers(1, 10**9), st.sampled_from(["", "x"]))
    | st.builds(Delete, keys),
    max_size=5,
)
guards = st.lists(
    st.builds(At, keys, st.sampled_from(["1-1", "2-77"]))
    | st.builds(Absent, keys)
    | st.builds(Present, keys)
    | st.builds(Unchanged, st.sampled_from(["a", "b"]), st.sampled_from(["1-1", "2-77"])),
    max_size=5,
)
STAMP = Stamp("agent", "a1", "case", ("a/b@1-1",), 3, 2)


@knowledge_source("ticket/{t}", contributes="team/{t}")
def route() -> None:
    """Does nothing."""


SOURCE = declared(route)[0]


@given(approvals, confidences, confidences)
def test_the_three_ways_differ_only_for_who_is_under_the_threshold(
    approval: Any, threshold: float | None, confidence: float | None
) -> None:
    unsure = threshold is not None and confidence is not None and confidence < threshold
    found = verdict(approval, threshold, confidence, Review())
    expected = {"always": "ask", "unsure": "unsure" if unsure else "contribute",
                "never": "let through" if unsure else "contribute"}  # fmt: skip
    assert found == expected[approval]


@given(approvals, approvals, confidences, confidences, confidences)
def test_an_agents_own_word_comes_before_that_of_the_settings(
    own: Any, general: Any, threshold: float | None, general_threshold: float | None, confidence: float | None
) -> None:
    review = Review(approval=general, threshold=general_threshold)
    needed = general_threshold if threshold is None else threshold
    assert verdict(own, threshold, confidence, review) == verdict(own, needed, confidence, Review())
    assert verdict(None, threshold, confidence, review) == verdict(general, needed, confidence, Review())


@given(writes, guards, confidences)
def test_what_waits_is_what_was_made_and_rests_on_the_same(
    made: list[Any], held: list[Any], confidence: float | None
) -> None:
    proposal = held_contribution(SOURCE, Contribution(tuple(made), (), confidence, "why"), held, STAMP)
    stored = codec.unpack_value(codec.pack_value(proposal))
    assert wrong_in(stored, Proposal) == ""
    assert writes_in(stored) == made
    assert guards_in(stored) == held
    assert (stored["author"], stored["causes"], stored["depth"], stored["trust"]) == ("agent", ["a/b@1-1"], 3, 2)


def test_an_update_is_refused_before_anybody_is_asked() -> None:
    made = Contribution((), (Update("stock/all", lambda n: n),))
    with pytest.raises(InvalidContribution, match="updates stock/all by a function"):
        held_contribution(SOURCE, made, (), STAMP)


@given(st.integers(0, 1 << 20))
def test_what_is_kept_of_a_large_one_always_fits_a_record(size: int) -> None:
    proposal = held_contribution(SOURCE, Contribution((Put("a/b", "x" * size),)), (), STAMP)
    assert len(codec.pack_value(proposal)) < codec.MAX_VALUE_BYTES
    assert ("omitted" in proposal) == (proposal["writes"] == [])


def test_critical_are_the_records_that_a_pattern_matches_and_updated_keys_by_their_name() -> None:
    patterns = (Pattern.parse("refund/* where amount > 50"), Pattern.parse("ban/**"))
    packed = [
        (key, codec.pack_record(STAMP, "", 0, codec.pack_value(value))[0])
        for key, value in (("refund/1", {"amount": 50}), ("refund/2", {"amount": 51}), ("ban/a/b", None), ("x/1", 1))
    ]
    assert critical_keys(patterns, [*packed, ("ban/gone", b"")], ["refund/9", "stock/1"]) == [
        "refund/2", "ban/a/b", "refund/9",
    ]  # fmt: skip
    assert critical_keys((), packed) == []


@given(st.floats(0, 1))
def test_a_confidence_is_never_shown_as_more_than_it_is(confidence: float) -> None:
    assert float(how_sure(confidence, "").removeprefix("sure to ")) <= confidence


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan"), float("inf"), True, "0.5", None])
def test_what_is_no_confidence_is_refused(wrong: Any) -> None:
    with pytest.raises(InvalidInput, match="is no number from 0 to 1"):
        Sure("x", wrong)
