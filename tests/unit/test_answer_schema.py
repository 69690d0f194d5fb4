"""A question's JSON Schema: what is one, and which answers fit."""

from __future__ import annotations

import re
import socket
from typing import Any

import pytest

from knowledge_sources.answer_schema import answer_fault, schema_fault

AMOUNT: dict[str, Any] = {
    "type": "object",
    "properties": {"amount": {"$ref": "#/$defs/money"}},
    "required": ["amount"],
    "$defs": {"money": {"type": "number", "minimum": 0}},
}


@pytest.mark.parametrize(
    ("schema", "told"),
    [
        ({"type": "nmber"}, r"\$\.type: 'nmber'"),
        ({"properties": {"a": {"minimum": "x"}}}, r"\$\.properties\.a\.minimum"),
        ({"pattern": "("}, r"\$\.pattern"),
        ([], "an object, this is list"),
        ({"$schema": 7}, "names no draft"),
        ({"$schema": "https://example.invalid/draft"}, "is no draft that is known here"),
        ({"$ref": "#/$defs/none"}, "leads nowhere"),
        ({"items": {"$ref": "https://example.invalid/item.json"}}, "nothing is fetched"),
        ({"$ref": "#"}, "refers to itself without end"),
    ],
)
def test_what_no_answer_can_be_held_to_is_no_schema(schema: object, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Found without a look at the network."""
    monkeypatch.setattr(socket, "getaddrinfo", _no_network)
    assert re.search(told, schema_fault(schema))


@pytest.mark.parametrize("schema", [AMOUNT, {}, {"$schema": "http://json-schema.org/draft-07/schema#", "type": "null"},
                                    {"$ref": "https://json-schema.org/draft/2020-12/schema"},
                                    {"const": {"$ref": "https://example.invalid/only-a-value"}}])  # fmt: skip
def test_a_schema_of_a_published_draft_is_one(schema: dict[str, Any]) -> None:
    assert schema_fault(schema) == ""


def test_an_answer_that_does_not_fit_is_told_the_path() -> None:
    assert answer_fault(AMOUNT, {"amount": 3}) == ""
    assert answer_fault(AMOUNT, {"amount": -3}) == "$.amount: -3 is less than the minimum of 0"
    assert answer_fault(AMOUNT, {}) == "$: 'amount' is a required property"
    assert len(answer_fault({"type": "number"}, "x" * 10_000)) < 400


def test_an_answer_to_a_schema_that_leads_outside_fetches_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A question may have been written by another version, or by hand."""
    monkeypatch.setattr(socket, "getaddrinfo", _no_network)
    assert "cannot be followed" in answer_fault({"$ref": "https://example.invalid/item.json"}, 1)


def _no_network(*arguments: object, **named: object) -> None:
    raise AssertionError(f"the network was asked: {arguments}")
