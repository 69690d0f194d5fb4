"""What ``/`` takes: which texts are words, patterns and conditions, what each accepts, and that nothing ends it."""

from __future__ import annotations

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackboard import codec
from blackboard.errors import InvalidInput, PatternError
from blackboard.record import Record, Stamp
from blackboard.terminal import format_json
from controller.viewer.excerpt import SMALL_BYTES, excerpt
from controller.viewer.filtering import MOST_SEARCHED, Filter
from controller.viewer.needle import may_hold
from tests.still_board import record_of

ORDER = record_of("order/O-1", {"kind": "Sold Out", "amount": 120, "lines": [{"sku": "BOOT-41"}]}, author="ann")


@pytest.mark.parametrize(
    "text",
    ["sold", "SOLD OUT", "  boot-41 ", "o-1", "order/O-1", "120", '"Sold Out"', '\'"kind": "sold\'', "'\"amount\": 1'"],
)
def test_words_are_found_in_the_key_and_in_the_value_whatever_their_case(text: str) -> None:
    assert Filter.parse(text).accepts_record(ORDER)


@pytest.mark.parametrize("text", ["sold  out", "O-2", "order/O-1/x", "in the queue", "pay for return/R-1"])
def test_words_that_a_record_does_not_have_are_not_found(text: str) -> None:
    wanted = Filter.parse(text)
    assert wanted.words == text.casefold()
    assert not wanted.accepts_record(ORDER)


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("order/*", True),
        ("order/{order}", True),
        ("order/**", True),
        ("order/O-1 where amount > 100", True),
        ("order/{order} where amount > 200", False),
        ("label/*", False),
    ],
)
def test_wildcards_captures_and_where_make_a_pattern(text: str, accepted: bool) -> None:
    wanted = Filter.parse(text)
    assert wanted.pattern is not None
    assert wanted.accepts_record(ORDER) is accepted


@pytest.mark.parametrize(
    ("text", "accepted"),
    [
        ("amount > 100", True),
        ('kind=="Sold Out"', True),
        ('kind == "a/b" || lines[0].sku.glob("BOOT*")', True),
        ('record.author == "ann"', True),
        ('record.key.glob("order/*")', True),
        ("!(amount > 100)", False),
        ("missing == 1", False),
        ('has(kind) && "BOOT-41" in lines', False),
    ],
)
def test_anything_else_is_a_condition(text: str, accepted: bool) -> None:
    wanted = Filter.parse(text)
    assert wanted.condition is not None
    assert wanted.accepts_record(ORDER) is accepted


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("level == high", 'write level == "high"'),
        ("order/* where level == high", 'write level == "high"'),
        ("level=high", "write == to compare"),
        ("order/ord*", "only partly a capture or wildcard"),
        ("order/* level", "after the key comes where"),
        ('"open', "no closing"),
        ("", "cannot be empty"),
        ("x" * 2_001, "at most 2,000 characters"),
        ("**", "the region"),
    ],
)
def test_what_does_not_parse_says_where_and_how_it_is_written(text: str, told: str) -> None:
    with pytest.raises(InvalidInput, match=told.replace("(", r"\(")):
        Filter.parse(text)


def test_the_error_points_into_what_was_written() -> None:
    with pytest.raises(PatternError) as caught:
        Filter.parse("  level == high")
    assert str(caught.value).endswith("\n  level == high\n           ^")


def test_a_row_is_found_by_its_words_its_case_and_its_fields() -> None:
    document = {"agent": "pay", "case": "return/R-1", "level": "high", "waited_ms": 40}
    for text in ("PAY FOR", "return/R-1", "return/*", 'return/{rma} where level == "high"', "waited_ms >= 40"):
        assert Filter.parse(text).accepts(document, "pay for return/R-1"), text
    for text in ("pays", "return/R-2", "refund/*", 'return/* where level == "low"', "waited_ms > 40", "missing == 1"):
        assert not Filter.parse(text).accepts(document, "pay for return/R-1"), text


def broken(key: str) -> Record[Any]:
    """A record with other bytes than its digest says."""
    packed, _ = codec.pack_record(Stamp(), "", 0, b"\xc1")
    return Record(key, "1-1", 1, 1, 0, packed)


def nested(levels: int) -> Any:
    value: Any = 1
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize("text", ["word", "note/* where x == 1", "x == 1", "value == [1]", "size(value) > 1"])
def test_bytes_that_do_not_decode_are_no_match_and_no_error(text: str) -> None:
    wanted = Filter.parse(text)
    garbage: list[Record[Any]] = [Record("note/1", "1-1", 1, 1, 0, packed) for packed in (b"", b"\xff", b"\x9a\x01")]
    assert not any(wanted.accepts_record(record) for record in [broken("note/1"), *garbage])
    assert Filter.parse("NOTE/1").accepts_record(broken("note/1"))


@pytest.mark.parametrize("value", [nested(60), b"\xff\x00", None, [], {}, [b"\xff"] * 3, "\x1b[2J", 1e300, "é" * 5_000])
@pytest.mark.parametrize("text", ["zebra", "note/* where x == 1", "value == [[[1]]]", 'value.contains("zebra")'])
def test_values_of_every_kind_are_looked_at_without_an_error(value: object, text: str) -> None:
    assert not Filter.parse(text).accepts_record(record_of("note/1", value))


def test_words_are_looked_for_in_the_beginning_of_a_huge_value_only() -> None:
    early, late = {"said": "needle " + "x" * 900_000}, {"said": "x" * 900_000 + " needle"}
    assert Filter.parse("needle").accepts_record(record_of("note/1", early))
    assert not Filter.parse("needle").accepts_record(record_of("note/1", late))


def test_an_excerpt_is_the_beginning_of_the_value_as_json_whatever_its_size() -> None:
    for size in (1, 10, 100, 1_000, 4_000):
        value: Any = {
            f"field {n}": [n, "t\u202eext" * (n % 9), None, True, 1.5, b"x", {"a": {}}, []] for n in range(size)
        }
        record = record_of("note/1", value)
        whole = format_json(value)
        for most in (40, 400, MOST_SEARCHED):
            assert excerpt(record, most) == (whole if len(whole) <= most else whole[: most - 1] + "…")
    assert len(record.packed) > 10 * SMALL_BYTES


def test_an_excerpt_of_a_long_text_is_its_beginning() -> None:
    record = record_of("note/1", "\x1bé" * 200_000)
    assert excerpt(record, 12) == '"\\u001bé\\u0…'


WORDS = (
    "sold",
    "out",
    "new",
    "true",
    "ru",
    "e5",
    "1e",
    "12",
    "k",
    "ss",
    "fi",
    "i",
    "x y",
    "a:",
    'a"',
    "base",
    "u00",
    "-",
    "é",
)
TEXTS = ("Sold out", "NEWTON", "\u212aelvin", "Straße", "ﬁn", "İx", "x y", "true", "a:b", "É", "e5", "12", "", "\x00")


@pytest.mark.parametrize("words", WORDS)
def test_no_record_is_ruled_out_by_its_bytes_whose_texts_and_numbers_have_the_words(words: str) -> None:
    chance = random.Random(words)
    for _ in range(300):
        value = [chance.choice([*TEXTS, 12, -1, 1e5, True, None, {chance.choice(TEXTS): 5}]) for _ in range(4)]
        record = record_of("note/1", value)
        texts = [*(str(one).casefold() for one in value if isinstance(one, str)), *(json.dumps(one) for one in value)]
        if any(words in text for text in texts if "\\" not in text):
            assert Filter.parse(words if '"' not in words else f"'{words}'").accepts_record(record), value


def test_bytes_rule_out_most_records_where_only_a_text_can_have_the_words() -> None:
    ruled_out = {
        words for words in WORDS if not Filter.parse(f"'{words}'").may_accept_record(record_of("note/1", "zz"))
    }
    assert ruled_out == {"sold", "out", "new", "k", "ss", "fi", "i", "x y", "u00"}
    assert Filter.parse("note").may_accept_record(record_of("note/1", "zz"))


def test_every_character_that_is_ascii_where_case_is_set_apart_is_known() -> None:
    letters = [chr(code) for code in range(128, 0x110000) if not 0xD800 <= code <= 0xDFFF]
    for letter in letters:
        folded = "".join(one for one in letter.casefold() if one.isascii())
        assert not folded or may_hold(letter.encode(), folded.encode())


PIECES = (
    "order",
    "/",
    "*",
    "{o}",
    " where ",
    " == ",
    '"a"',
    "'",
    "(",
    ")",
    " && ",
    "!",
    "5",
    "-",
    "in",
    "[",
    "]",
    "é",
    "\x1b",
)
RECORDS = [
    record_of("order/1", {"order": "a", "deep": nested(20), "text": "\x1b\u202e", "bytes": b"\xff", "n": 5}),
    record_of("order/1", "x" * 5_000),
    broken("order/2"),
    Record[Any]("order/3\x1b", "1-1", 1, 1, 0, b"\xff"),
]


@given(st.one_of(st.text(max_size=40), st.lists(st.sampled_from(PIECES), max_size=12).map("".join)))
def test_any_text_is_a_filter_or_told_to_be_none_and_no_filter_ends_what_asks_it(text: str) -> None:
    try:
        wanted = Filter.parse(text)
    except InvalidInput:
        return
    assert [bool(wanted.words), wanted.pattern is not None, wanted.condition is not None].count(True) == 1
    for record in RECORDS:
        assert wanted.accepts_record(record) in {True, False}
        assert wanted.may_accept_record(record) or not wanted.accepts_record(record)
    for document in ({}, {"key": None, "case": 5, "order": nested(20), "n": float("inf")}):
        assert wanted.accepts(document, "order \x1b") in {True, False}
