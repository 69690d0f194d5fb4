"""Patterns: which keys they fit, what they capture, and where an error points."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackboard import codec
from blackboard.errors import InvalidName, PatternError
from blackboard.keys import check_key
from blackboard.pattern import Pattern
from blackboard.record import Record, Stamp


def record(key: str, value: object, *, author: str = "", status: str = "") -> Record[object]:
    packed, _ = codec.pack_record(Stamp(author=author), status, 0, codec.pack_value(value))
    return Record(key, "1-7", 7, 3, 1_700_000_000_000, packed)


def test_a_pattern_knows_its_region_its_captures_and_whether_it_is_a_key() -> None:
    pattern = Pattern.parse('order/{order}/line/{line} where status == "picked"')
    assert (pattern.region, pattern.captures, pattern.is_literal) == ("order", ("order", "line"), False)
    assert Pattern.parse("order/1").is_literal
    assert not Pattern.parse("order/*").is_literal
    assert not Pattern.parse("order/**").is_literal


def test_texts_that_differ_in_white_space_alone_are_one_pattern() -> None:
    loose = Pattern.parse('  order/{o}   where\n status=="picked"   &&  amount  > 100 ')
    assert loose.text == 'order/{o} where status=="picked" && amount > 100'
    assert loose.key_text == "order/{o}"
    assert loose == Pattern.parse(loose.text)
    assert len({loose, Pattern.parse(loose.text)}) == 1
    assert loose != Pattern.parse("order/{o}")


def test_white_space_inside_a_text_is_kept() -> None:
    assert Pattern.parse('a/* where  name ==  "a   b"').text == 'a/* where name == "a   b"'


@pytest.mark.parametrize(
    ("template", "key", "captures"),
    [
        ("order/1", "order/1", {}),
        ("order", "order", {}),
        ("order/1", "order/12", None),
        ("order/{o}", "order/1", {"o": "1"}),
        ("order/{o}", "order", None),
        ("order/{o}", "order/1/2", None),
        ("order/{o}", "orders/1", None),
        ("order/{o}/label", "order/1/label", {"o": "1"}),
        ("order/{o}/label", "order/label", None),
        ("order/{o}/label", "order/1/2/label", None),
        ("order/{o}/label", "order/1/labels", None),
        ("order/{o}/o", "order/o", None),
        ("order/*", "order/1", {}),
        ("order/*", "order/1/2", None),
        ("order/**", "order/1", {}),
        ("order/**", "order/1/2/3", {}),
        ("order/**", "order", None),
        ("order/{o}/**", "order/1/2/3", {"o": "1"}),
        ("order/{o}/**", "order/1", None),
        ("order/*/line/{n}", "order/1/line/2", {"n": "2"}),
        ("order/*/line/{n}", "order/1/lime/2", None),
        ("order/{o}/line/{n}", "order/1/line", None),
        ("same/{x}/{x}", "same/a/a", {"x": "a"}),
        ("same/{x}/{x}", "same/a/b", None),
        ("same/{x}/{y}/{x}", "same/a/b/a", {"x": "a", "y": "b"}),
    ],
)
def test_a_template_fits_exactly_the_keys_of_its_shape(
    template: str, key: str, captures: dict[str, str] | None
) -> None:
    assert Pattern.parse(template).match_key(key) == captures


SEGMENTS = st.sampled_from(["a", "b", "ab", "1"])
TEMPLATES = st.lists(st.sampled_from(["a", "b", "*", "{x}", "{y}"]), max_size=4)


@given(template=TEMPLATES, rest=st.booleans(), key=st.lists(SEGMENTS, max_size=5))
def test_every_shape_agrees_with_a_walk_over_the_segments(template: list[str], rest: bool, key: list[str]) -> None:
    parts = ["r", *template, *(["**"] if rest else [])]
    whole = ["r", *key]
    assert Pattern.parse("/".join(parts)).match_key("/".join(whole)) == walk(parts, whole)


def walk(template: list[str], key: list[str]) -> dict[str, str] | None:
    captures: dict[str, str] = {}
    if template[-1] == "**":
        if len(key) < len(template):
            return None
        template, key = template[:-1], key[: len(template) - 1]
    if len(template) != len(key):
        return None
    for part, segment in zip(template, key, strict=True):
        if part.startswith("{"):
            if captures.setdefault(part[1:-1], segment) != segment:
                return None
        elif part not in ("*", segment):
            return None
    return captures


def test_a_record_matches_when_its_key_and_its_value_do() -> None:
    pattern = Pattern.parse('order/{order}/label where status == "picked" && amount > 100')
    picked = {"status": "picked", "amount": 120}
    assert pattern.match(record("order/1/label", picked)) == {"order": "1"}
    assert pattern.match(record("order/1/label", {**picked, "amount": 99})) is None
    assert pattern.match(record("order/1/label", {"status": "picked"})) is None
    assert pattern.match(record("order/1/refund", picked)) is None


def test_a_pattern_without_a_predicate_takes_every_value() -> None:
    assert Pattern.parse("order/*").match(record("order/1", [1, 2])) == {}


def test_a_predicate_reads_the_metadata_of_the_record_and_the_captures_of_its_key() -> None:
    pattern = Pattern.parse(
        'order/{o} where id == o && record.author == "anna" && record.version > 2 && record.time > 0 '
        '&& record.key.startsWith("order/") && record.status == "open"'
    )
    assert pattern.match(record("order/1", {"id": "1"}, author="anna", status="open")) == {"o": "1"}
    assert pattern.match(record("order/2", {"id": "1"}, author="anna", status="open")) is None
    assert pattern.match(record("order/1", {"id": "1"}, author="bert", status="open")) is None


def test_fill_puts_the_captures_in_and_ignores_others() -> None:
    pattern = Pattern.parse("order/{o}/line/{n}")
    assert pattern.fill({"o": "1", "n": "2", "more": "3"}) == "order/1/line/2"


@pytest.mark.parametrize(("template", "column"), [("order/{o}/*", 11), ("order/{o}/**", 11), ("order/{missing}", 7)])
def test_fill_refuses_what_names_no_single_key_and_points_at_it(template: str, column: int) -> None:
    with pytest.raises(PatternError) as refused:
        Pattern.parse(template).fill({"o": "1"})
    assert refused.value.column == column


@pytest.mark.parametrize("value", ["a/b", "", "a b", "{x}", "*", "\u202e"])
def test_fill_refuses_a_value_that_is_no_single_segment(value: str) -> None:
    with pytest.raises(InvalidName):
        Pattern.parse("order/{o}").fill({"o": value})


def test_bind_gives_the_key_once_every_capture_is_known() -> None:
    pattern = Pattern.parse("order/{o}/line/{n}")
    assert pattern.bind({"o": "1", "n": "2"}) == "order/1/line/2"
    assert pattern.bind({"o": "1"}) is None
    assert Pattern.parse("order/{o}/*").bind({"o": "1"}) is None
    assert Pattern.parse("order/1").bind({}) == "order/1"


@given(key=st.lists(st.text(min_size=1, max_size=5), min_size=1, max_size=4).map("/".join))
def test_a_literal_pattern_is_every_key_without_wildcards_and_fits_that_key_alone(key: str) -> None:
    try:
        check_key(key)
    except InvalidName:
        return
    pattern = Pattern.parse(key)
    assert pattern.is_literal
    assert pattern.match_key(key) == {}
    assert pattern.match_key(key + "x") is None
    assert pattern.fill({}) == key


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("", 1, "empty"),
        ("   ", 1, "empty"),
        ("/order", 1, "empty segment"),
        ("order/", 7, "empty segment"),
        ("order//1", 7, "empty segment"),
        ("{o}/1", 1, "region"),
        ("  */1", 3, "region"),
        ("**", 1, "region"),
        ("a/**/b", 3, "at the end only"),
        ("a/b{c}", 3, "partly a capture"),
        ("a/{b}{c}", 3, "a capture is one name"),
        ("a/b*", 3, "partly a capture or wildcard"),
        ("a/{}", 3, "a capture is one name"),
        ("a/{1}", 3, "a capture is one name"),
        ("a/{order-id}", 3, "a capture is one name"),
        ("a/{value}", 4, "cannot be called value"),
        ("a/{record}", 4, "cannot be called record"),
        ("a/b\\c", 3, "segments of visible characters"),
        ("a/b\u200bc", 3, "segments of visible characters"),
        ("a/b c", 5, "after the key comes where"),
        ("a/b WHERE x", 5, "after the key comes where"),
        ("a/b if x", 5, "after the key comes where"),
        ('a/b && x == "y"', 5, "after the key comes where"),
        ("a/b where", 10, "comes a predicate"),
        ("a/b where  ", 10, "comes a predicate"),
        ("a/b where x = 1", 13, "write =="),
        ("  a/{o}  where  x == p", 22, 'write x == "p"'),
        ("a/b where x == 1 where y == 2", 18, "one where"),
        ("a/{o} where {o} == 1", 13, "a capture is written without braces"),
    ],
)
def test_an_error_points_into_the_text_as_it_was_written(text: str, column: int, reason: str) -> None:
    with pytest.raises(PatternError) as refused:
        Pattern.parse(text)
    assert reason in refused.value.reason
    assert refused.value.column == column
    assert refused.value.text == text


def test_a_predicate_may_stand_right_after_where_in_parentheses() -> None:
    assert Pattern.parse("a/b where(x == 1)").match(record("a/b", {"x": 1})) == {}


def test_a_key_that_is_far_too_long_is_refused_before_anything_is_made_of_it() -> None:
    with pytest.raises(PatternError):
        Pattern.parse("a/" * 100_000 + "b")


@given(st.text(max_size=80) | st.text("a/{}*x whereo=&|!\"'()[].<1 ", max_size=80))
def test_no_text_raises_anything_but_a_pattern_error_with_a_column_inside_it(text: str) -> None:
    try:
        column = len(Pattern.parse(text).segments)
    except PatternError as error:
        column = error.column
    assert 1 <= column <= len(text) + 1
