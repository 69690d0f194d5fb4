"""Every example of docs/predicates.md does what the page says."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from blackboard.errors import PatternError
from blackboard.pattern import Pattern
from blackboard.predicate import ERROR, Predicate
from blackboard.predicate.source import MAX_CHARACTERS, MAX_DEPTH, MAX_NODES

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "predicates.md").read_text(encoding="utf-8")
VERDICTS = {"holds": True, "fails": False, "error": ERROR}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def lines(block: str) -> list[tuple[str, str]]:
    """Keyword and text of each line; a line that begins with white space goes on with the one before."""
    joined = re.sub(r"\n\s+", " ", block.strip())
    return [(line[:8].strip(), line[9:]) for line in joined.split("\n")]


def predicate_examples() -> list[tuple[str, str, Any, dict[str, str]]]:
    found: list[tuple[str, str, Any, dict[str, str]]] = []
    for block in blocks("predicate"):
        captures: dict[str, str] = {}
        value: Any = None
        for keyword, text in lines(block):
            if keyword == "captures":
                captures = dict(pair.split("=", 1) for pair in text.split())
            elif keyword == "value":
                value = json.loads(text)
            else:
                found.append((keyword, text, value, captures))
    return found


@pytest.mark.parametrize(("verdict", "text", "value", "captures"), predicate_examples())
def test_every_predicate_on_the_page_comes_to_what_stands_before_it(
    verdict: str, text: str, value: Any, captures: dict[str, str]
) -> None:
    if verdict == "refused":
        predicate, _, reason = re.sub(r"  +", "  ", text).partition("  ")
        with pytest.raises(PatternError) as refused:
            Predicate.parse(predicate, captures=frozenset(captures))
        assert reason
        assert reason.strip() in refused.value.reason
    else:
        assert Predicate.parse(text, captures=frozenset(captures)).evaluate(value, captures) is VERDICTS[verdict]


@pytest.mark.parametrize(("verdict", "text"), [line for block in blocks("pattern") for line in lines(block)])
def test_every_pattern_on_the_page_fits_the_keys_that_it_says(verdict: str, text: str) -> None:
    template, *rest = text.split()
    if verdict == "refused":
        with pytest.raises(PatternError):
            Pattern.parse(template)
    else:
        expected = dict(pair.split("=") for pair in rest[1:]) if verdict == "fits" else None
        assert Pattern.parse(template).match_key(rest[0]) == expected


def test_the_error_on_the_page_is_the_true_one() -> None:
    (block,) = blocks("error")
    pattern, _, shown = block.partition("\n---\n")
    with pytest.raises(PatternError) as refused:
        Pattern.parse(pattern)
    assert str(refused.value) == shown.rstrip("\n")


def test_the_python_on_the_page_runs() -> None:
    (block,) = blocks("python")
    exec(compile(block, "docs/predicates.md", "exec"), {})


def test_the_limits_on_the_page_are_those_of_the_parser() -> None:
    assert (
        f"{MAX_CHARACTERS:,} characters, checked before parsing; {MAX_DEPTH} levels of nesting; {MAX_NODES} parts"
        in PAGE
    )


def test_no_kind_of_example_was_lost() -> None:
    assert {verdict for verdict, *_ in predicate_examples()} == {*VERDICTS, "refused"}
    assert len(predicate_examples()) > 50
