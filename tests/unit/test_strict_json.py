"""JSON from outside is read as the standard says, or refused with its place."""

from __future__ import annotations

import pytest

from blackboard.errors import InvalidInput
from blackboard.strict_json import MAX_TEXT, parse_json


@pytest.mark.parametrize(
    ("expected", "text"),
    [(1, "1"), (1.5, "1.5"), ("a", '"a"'), (None, "null"), ({"a": [True, {}]}, ' {"a": [true, {}]} ')],
)
def test_json_is_read(expected: object, text: str) -> None:
    assert parse_json(text) == expected


@pytest.mark.parametrize(
    ("reason", "text"),
    [
        ("NaN is not JSON", "[NaN]"),
        ("-Infinity is not JSON", "-Infinity"),
        ("1e999 is too large", '{"a": 1e999}'),
        ("field 'amount' is there twice", '{"amount": 1, "amount": 2}'),
        ("field 'a' is there twice", '[{"b": {"a": 1, "a": 1}}]'),
        ("nested too deeply", "[" * 200_000),
        ("nested too deeply", '{"a":' * 100_000),
        (r"not JSON: .* \(line 2, column 1\)", "{\nx"),
        ("not JSON", ""),
        ("not JSON", "{'a': 1}"),
        ("not JSON", '"a\nb"'),
        ("more than", " " * (MAX_TEXT + 1)),
        ("digits", "9" * 5000),
    ],
)
def test_what_is_not_json_is_refused_with_the_reason(reason: str, text: str) -> None:
    with pytest.raises(InvalidInput, match=reason) as refused:
        parse_json(text, place="orders.jsonl:7")
    assert str(refused.value).startswith("orders.jsonl:7: ")


def test_a_hundred_thousand_fields_with_one_twice_at_the_end_are_refused_at_once() -> None:
    text = "{" + ", ".join(f'"f{n}": 0' for n in range(100_000)) + ', "f99999": 1}'
    with pytest.raises(InvalidInput, match="f99999"):
        parse_json(text)
