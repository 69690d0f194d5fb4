"""Every file of the public YAML test suite is either plain data or refused with its place, and at once.

Needs the suite: ``$BLACKBOARD_DATA/yaml/src`` or ``../shared/data/yaml/src`` beside the clone.
Where it is missing, that is a failure, not a skip.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from scenarios.problem import InvalidScenario
from scenarios.yaml_nodes import plain
from scenarios.yaml_reader import read_yaml
from tests.processor_time import processor_time_below

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("BLACKBOARD_DATA") or ROOT.parent / "shared" / "data")
SUITE = DATA / "yaml" / "src"
# The suite writes what cannot be seen as marks; its ReadMe gives this table.
MARKS = {"␣": " ", "»": "\t", "—": "", "←": "\r", "⇔": "\ufeff", "↵": "", "∎\n": "", "∎": ""}
# Where PyYAML and libyaml read YAML 1.1: a "?" glued to a word, and the last blank line of a literal block.
READ_OTHERWISE = {"652Z-0", "HM87-1", "JEF9-2", "L24T-1"}
# What PyYAML and libyaml take though the grammar of 1.2 does not: a "#" glued to a value, tabs and bad indents
# inside flow collections, marks of documents inside them.  The data that comes out is plain all the same.
TAKEN_THOUGH_INVALID = {
    "9C9N-0", "9JBA-0", "CVW2-0", "DK95-1", "G5U8-0", "MUS6-0", "QB6E-0", "S98Z-0", "SU5Z-0", "X4QW-0", "Y79Y-3",
    "YJV2-0",
}  # fmt: skip


def _cases() -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    for file in sorted(SUITE.glob("*.yaml")):
        inherited: dict[str, Any] = {}
        for index, case in enumerate(yaml.safe_load(file.read_text(encoding="utf-8"))):
            inherited = {**inherited, **case}
            if "fail" not in case:
                inherited.pop("fail", None)
            found.append((f"{file.stem}-{index}", dict(inherited)))
    return found


def _content(case: dict[str, Any]) -> str:
    text = str(case["yaml"])
    for mark, meaning in MARKS.items():
        text = text.replace(mark, meaning)
    return text


def test_the_suite_is_there() -> None:
    assert SUITE.is_dir(), f"the YAML test suite is not at {SUITE}: set BLACKBOARD_DATA"
    assert len(_cases()) > 350


@pytest.mark.parametrize(("name", "case"), _cases(), ids=[name for name, _ in _cases()])
def test_a_document_is_plain_data_or_refused_with_its_place_within_a_second(name: str, case: dict[str, Any]) -> None:
    said = ""
    with processor_time_below(1.0):
        try:
            json.dumps(plain(read_yaml(_content(case).encode(), f"{name}.yaml")), allow_nan=False)
        except InvalidScenario as refused:
            said = str(refused)
    assert not said or re.match(rf"{name}\.yaml:[0-9]+:[0-9]+: \S", said), said


def test_what_the_suite_gives_as_one_json_value_is_read_as_that_value() -> None:
    """Of the documents that we take and for which the suite states one JSON value, all but the four listed agree."""
    differing = set()
    compared = 0
    for name, case in _cases():
        if case.get("fail") or not isinstance(case.get("json"), str):
            continue
        try:
            expected = json.loads(case["json"])
        except json.JSONDecodeError:
            continue  # several documents in one text: we refuse those
        try:
            data = plain(read_yaml(_content(case).encode(), name))
        except InvalidScenario:
            continue
        compared += 1
        if data != expected:
            differing.add(name)
    assert compared >= 150
    assert differing <= READ_OTHERWISE


def test_a_document_that_the_suite_calls_invalid_is_refused() -> None:
    """But for the ones that the parser underneath takes, which are listed by name."""
    taken = set()
    for name, case in _cases():
        if not case.get("fail"):
            continue
        try:
            read_yaml(_content(case).encode(), name)
        except InvalidScenario:
            continue
        taken.add(name)
    assert taken <= TAKEN_THOUGH_INVALID
