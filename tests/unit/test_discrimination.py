"""Claims about the index of patterns: it finds what a look at every pattern would find, and looks at few."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from blackboard import codec
from blackboard.pattern import Pattern
from blackboard.record import Record, Stamp
from controller.discrimination import PatternIndex, _Region


def record(key: str, value: Any, author: str = "") -> Record[Any]:
    packed, _ = codec.pack_record(Stamp(author=author), "", 0, codec.pack_value(value))
    return Record(key, "1-1", 1, 1, 1, packed)


SHAPES = ["a/{x}", "a/*", "a/1", "a/{x}/{y}", "a/1/{y}", "a/{x}/1", "a/{x}/{x}", "a/**", "a/1/**", "b/{x}", "b"]
CLAUSES = [
    'kind == "p"', 'kind == "q"', "kind == 1", "kind == true", "kind == null", "n == 1", "1 == value.n", "n > 1", "n >= 1",
    "n < 2", "2 >= value.n", "n > 1.5", "deep.n == 1", "deep.n > 0", "list[0] == 1", 'record.author == "ann"', "x == 'x'",
    "value == 3", "!done", 'kind != "p"', 'kind in ["p", "q"]', "size(list) > 1", "n > x", "value[0] == 1", "kind < 'z'",
]  # fmt: skip
PATTERNS = [
    shape + (f" where {clause}" if clause else "")
    for shape in SHAPES
    for clause in ("", *CLAUSES, *(f"{left} && {right}" for left in CLAUSES[:11] for right in CLAUSES[5:16]))
    if "x" not in clause.replace("size", "").split() or "{x}" in shape
]
SCALARS = st.sampled_from([None, True, False, 0, 1, 2, 1.0, 1.5, 3, "p", "q", "1", b"p"])
VALUES = SCALARS | st.fixed_dictionaries(
    {},
    optional={
        "kind": SCALARS,
        "n": SCALARS,
        "x": SCALARS,
        "done": st.booleans(),
        "deep": st.fixed_dictionaries({}, optional={"n": SCALARS}),
        "list": st.lists(SCALARS, max_size=2),
    },
) | st.lists(SCALARS, max_size=2)  # fmt: skip
RECORDS = st.builds(
    record,
    st.sampled_from(["a/1", "a/2", "a/x", "a/1/1", "a/1/2", "a/2/1", "a/1/2/3", "b/1", "b", "c/1", "a"]),
    VALUES,
    st.sampled_from(["ann", "bob"]),
)
TEXTS = st.lists(st.sampled_from(PATTERNS), max_size=40)


@settings(max_examples=400, deadline=None)
@given(TEXTS, st.data(), st.lists(RECORDS, min_size=1, max_size=8))
def test_the_index_finds_what_a_look_at_every_pattern_finds_in_the_order_of_filing(
    texts: list[str], data: st.DataObject, records: list[Record[Any]]
) -> None:
    index: PatternIndex[list[str]] = PatternIndex()
    filed = [(Pattern.parse(text), [text]) for text in texts]
    for pattern, item in filed:
        index.add(pattern, item)
    for _ in range(data.draw(st.integers(0, len(filed)))):
        pattern, item = filed.pop(data.draw(st.integers(0, len(filed) - 1)))
        index.remove(pattern, item)
    for each in records:
        naive = [(item, found) for pattern, item in filed if (found := pattern.match(each)) is not None]
        assert list(index.matching(each)) == naive
        fitting = [(item, found) for pattern, item in filed if (found := pattern.match_key(each.key)) is not None]
        assert list(index.fitting(each.key)) == fitting


def test_nothing_is_left_of_what_was_taken_out() -> None:
    index: PatternIndex[str] = PatternIndex()
    patterns = [Pattern.parse(text) for text in PATTERNS]
    for _ in range(2):
        for pattern in patterns:
            index.add(pattern, "item")
        for pattern in patterns:
            index.remove(pattern, "item")
        assert index._regions == {}


@pytest.mark.parametrize(
    "others",
    [
        'a/{{x}} where kind == "k{}"',
        'a/{{x}} where kind == "k{}" && n > 5',
        'a/{{x}} where type == "order" && kind == "k{}"',
        "a/{{x}} where n > 100{}",
        "a/{{x}} where n <= -{}",
        "a/{{x}} where field_{} == 1",
        "a/{{x}} where field_{} > 1",
        "a/k{}/{{x}}",
        "a/{{x}}/k{}",
        "r{}/{{x}}",
    ],
)
def test_patterns_that_cannot_match_are_not_looked_at(others: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand of them beside the one that does: the tests that are made are counted."""
    index: PatternIndex[int] = PatternIndex()
    for number in range(1000):
        index.add(Pattern.parse(others.format(number)), number)
    index.add(Pattern.parse('a/{x} where kind == "mine"'), -1)
    tested: list[str] = []
    match = Pattern.match

    def counted(pattern: Pattern, record: Record[Any]) -> Any:
        tested.append(pattern.text)
        return match(pattern, record)

    monkeypatch.setattr(Pattern, "match", counted)
    found = index.matching(record("a/1", {"kind": "mine", "type": "order", "n": 7}))
    assert [item for item, _ in found] == [-1]
    assert len(tested) == 1


def test_agents_that_watch_the_same_pattern_share_one_test() -> None:
    index: PatternIndex[int] = PatternIndex()
    for number in range(50):
        index.add(Pattern.parse("a/{x} where n > 1"), number)
    region: _Region[int] = index._regions["a"]
    assert len(region.files) == 1
    assert [item for item, _ in index.matching(record("a/1", {"n": 2}))] == list(range(50))
