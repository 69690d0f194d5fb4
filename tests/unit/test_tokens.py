"""A token budget is kept by digests in the place of the largest records, and by no digest of another version."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge_sources.library.shortening import RULES, cut, extract, shortened
from knowledge_sources.tokens import DIGEST, Fit, Shortage, fit, tokens_in, tokens_of
from tests.still_board import StillBoard, record_of

TEXTS = st.text(max_size=400) | st.just("Refunds are paid. The refund policy says refunds take 30 days.\n" * 9)
VALUES = st.recursive(
    st.none() | st.integers(-5, 5) | TEXTS,
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=8), below, max_size=4),
    max_leaves=20,
)


def digest_of(key: str, tokens: int, *, of: str = "1-1") -> Any:
    return record_of(DIGEST + key, {"of": f"{key}@{of}", "digest": "x" * (4 * tokens)})


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 300), min_size=1), st.integers(1, 900), st.data())
def test_what_is_given_is_within_the_budget_or_it_is_said_what_is_missing(
    sizes: dict[str, int], budget: int, data: st.DataObject
) -> None:
    records = {alias: record_of(f"note/{alias}", "x" * (4 * size)) for alias, size in sizes.items()}
    digested = {alias for alias in sizes if data.draw(st.booleans())}
    board = StillBoard(*(digest_of(f"note/{alias}", data.draw(st.integers(0, 40))) for alias in digested))
    found = fit(records, budget, board.get)
    total = sum(map(tokens_of, records.values()))
    if isinstance(found, Shortage):
        assert found.tokens > budget
        assert set(found.missing) == {f"{DIGEST}note/{alias}" for alias in sizes if alias not in digested}
        return
    assert sum(map(tokens_of, found.records.values())) <= budget
    assert found.records.keys() == records.keys()
    if total <= budget:
        assert found == Fit(records, ())
    for alias, record in found.records.items():
        assert record is records[alias] or record.key in found.digests


def test_a_digest_of_another_version_stands_for_nothing() -> None:
    records = {"a": record_of("note/a", "x" * 4000, commit="1-7")}
    found = fit(records, 100, StillBoard(digest_of("note/a", 10, of="1-3")).get)
    assert isinstance(found, Shortage)
    assert found.missing == ("digest/note/a",)
    assert found.sentence() == "1,001 tokens are over its budget of 100; it waits for digest/note/a"


def test_the_largest_are_digested_first_and_no_more_than_need_be() -> None:
    records = {alias: record_of(f"note/{alias}", "x" * size) for alias, size in {"a": 400, "b": 4000, "c": 800}.items()}
    board = StillBoard(*(digest_of(f"note/{alias}", 10) for alias in records))
    found = fit(records, 400, board.get)
    assert isinstance(found, Fit)
    assert found.digests == ("digest/note/b",)


@pytest.mark.parametrize("broken", [lambda _: 1 / 0, lambda _: "many", lambda _: -1, lambda _: True])
def test_a_counter_that_gives_no_number_counts_for_nothing_and_is_warned_of(
    broken: Any, caplog: pytest.LogCaptureFixture
) -> None:
    assert tokens_in("x" * 399, broken) == tokens_in("x" * 399) == 101
    assert "token counter" in caplog.text


@given(VALUES, st.integers(4, 200), st.sampled_from(sorted(RULES)))
def test_a_shortened_value_is_within_its_tokens(value: Any, tokens: int, rule: str) -> None:
    short = shortened(value, tokens, RULES[rule])
    assert tokens_in(short) <= tokens
    if tokens_in(value) <= tokens:
        assert short == value


@given(TEXTS, st.integers(0, 300), st.sampled_from(sorted(RULES)))
def test_a_shortened_text_has_no_more_characters_than_it_may(text: str, characters: int, rule: str) -> None:
    assert len(RULES[rule](text, characters)) <= max(characters, 0)


def test_an_extract_has_the_sentences_that_say_most_in_their_order() -> None:
    text = (
        "Good morning to you. The customer wants a refund for the lamp. It is raining. "
        "The lamp was delivered broken, says the customer. A refund for a broken lamp is due within days."
    )
    assert (
        extract(text, 130)
        == "The customer wants a refund for the lamp. The lamp was delivered broken, says the customer.…"
    )
    assert cut(text, 20) == "Good morning to you…"
