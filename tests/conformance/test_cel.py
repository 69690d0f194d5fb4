"""Every case of the public CEL conformance data gives what the data say, or is listed by name with the reason.

Needs the cases: ``$BLACKBOARD_DATA/cel/cases.jsonl`` or ``../shared/data/cel/cases.jsonl`` beside the clone.
Where they are missing, that is a failure, not a skip.  ``cel_left_out.txt`` is the list, and says how it is read.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from blackboard.errors import PatternError
from blackboard.predicate import ERROR, Expression

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("BLACKBOARD_DATA") or ROOT.parent / "shared" / "data")
CASES = DATA / "cel" / "cases.jsonl"
LISTED = Path(__file__).with_name("cel_left_out.txt")
# Without static types dyn(x) is x, and the data are full of it: it is taken away before parsing.
DYN = re.compile(r"\bdyn\(")


class Listed(NamedTuple):
    """A case that is not answered as the data say: ``detail`` is part of the error, or the outcome as JSON."""

    kind: str
    detail: str
    because: str


@pytest.fixture(scope="module")
def cases() -> dict[str, dict[str, Any]]:
    assert CASES.is_file(), f"the CEL conformance data are not at {CASES}: set BLACKBOARD_DATA"
    found = [json.loads(line) for line in CASES.read_text(encoding="utf-8").split("\n") if line]
    return {f"{case['file']}/{case['section']}/{case['name']}": case for case in found}


@pytest.fixture(scope="module")
def listed() -> dict[str, Listed]:
    found: dict[str, Listed] = {}
    kind = detail = because = ""
    for line in LISTED.read_text(encoding="utf-8").splitlines():
        if line.startswith("  because "):
            because = line.removeprefix("  because ")
        elif line.startswith("  "):
            name, _, outcome = line.strip().partition(" => ")
            assert name not in found, f"{name} is listed twice"
            assert because, f"{name} is listed without a reason"
            found[name] = Listed(kind, outcome or detail, because)
        elif line and not line.startswith("#"):
            kind, _, detail = line.partition(": ")
            because = ""
    return found


def decoded(value: Any) -> Any:
    """A value of the data: a double is an object with one key, so that 1 and 1.0 differ."""
    if isinstance(value, dict):
        return (
            float(value["double"]) if set(value) == {"double"} else {key: decoded(each) for key, each in value.items()}
        )
    return [decoded(each) for each in value] if isinstance(value, list) else value


def exactly(value: object) -> str:
    """A text that tells 1 from 1.0 and from True, and 0.0 from -0.0."""
    return repr(value)


def outcome(case: dict[str, Any]) -> object:
    return Expression.parse(DYN.sub("(", case["expr"])).evaluate(decoded(case["bindings"]))


def expected(case: dict[str, Any]) -> object:
    return ERROR if case.get("error") else decoded(case["value"])


def test_the_list_names_only_cases_that_exist(cases: dict[str, dict[str, Any]], listed: dict[str, Listed]) -> None:
    assert set(listed) - set(cases) == set()
    assert {entry.kind for entry in listed.values()} == {"left out", "refused", "differs"}


def test_most_of_what_the_language_has_is_checked(cases: dict[str, dict[str, Any]], listed: dict[str, Listed]) -> None:
    assert len(cases) >= 849
    assert len(set(cases) - set(listed)) >= 440


def test_every_case_that_is_not_listed_gives_what_the_data_say(
    cases: dict[str, dict[str, Any]], listed: dict[str, Listed]
) -> None:
    wrong = {}
    for name in sorted(set(cases) - set(listed)):
        try:
            found = outcome(cases[name])
        except PatternError as error:
            wrong[name] = f"refused: {error.reason}"
            continue
        if exactly(found) != exactly(expected(cases[name])):
            wrong[name] = f"{cases[name]['expr']} gave {found!r}, not {expected(cases[name])!r}"
    assert wrong == {}


def test_every_case_listed_as_left_out_or_refused_is_refused_for_the_reason_given(
    cases: dict[str, dict[str, Any]], listed: dict[str, Listed]
) -> None:
    wrong = {}
    for name, entry in listed.items():
        if entry.kind == "differs":
            continue
        try:
            wrong[name] = f"{cases[name]['expr']} gave {outcome(cases[name])!r}"
        except PatternError as error:
            if entry.detail not in error.reason:
                wrong[name] = error.reason
    assert wrong == {}


def test_every_case_listed_as_different_gives_what_the_list_says_and_not_what_the_data_say(
    cases: dict[str, dict[str, Any]], listed: dict[str, Listed]
) -> None:
    for name, entry in listed.items():
        if entry.kind == "differs":
            found = outcome(cases[name])
            assert exactly(found) == exactly(ERROR if entry.detail == "ERROR" else json.loads(entry.detail)), name
            assert exactly(found) != exactly(expected(cases[name])), f"{name} no longer differs"
