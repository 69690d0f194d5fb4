"""The reader and checker of scenario files: any bytes are a scenario, or refused with each place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from blackboard.errors import BlackboardError
from scenarios.problem import InvalidScenario
from scenarios.setting import apply_settings
from scenarios.validation import validate
from scenarios.yaml_reader import read_yaml
from tests.fuzz.samples import blocks_of_docs, files, public_data, texts_of_tests
from tests.fuzz.target import Disagreement, Target

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

_PLACE = re.compile(r"fuzz\.yaml:\d+:\d+|fuzz\.yaml$|--set ")
_SETS = b"\n#--set "
"""what follows this in an input is laid over the file, as the command line does"""
WORDS = [
    b"version: 1\n", b"agents:\n", b"use: ./a.py:f", b"expect:\n", b"records:\n", b"limits: {case: {attempts: 5}}\n",
    b"events:\n", b"faults:\n", b"levels: [a, b]\n", b"count: ", b"never: 'a/* where b > 1'", b"equals: 1", b"respond_within: 30s",
    b"escalate: [human]", b"input: x.jsonl\n", b"case: return/{rma}\n", b"  ", b"- ", b": ", b"? ", b"| ", b">-\n", b"&a ", b"*a",
    b"<<: ", b"!!str ", b"!!python/object:os.system ", b"%TAG ! x\n", b"%YAML 1.2\n", b"---\n", b"...\n", b"'", b'"', b"{", b"}", b"[", b"]",
    b"a: {b: ", b"null", b"~", b"0x1f", b"1e3", b".inf", b"true", b"no", b"# c\n", b"\\ud800", b"\\x07", _SETS, b"agents.boss.use=x",
]  # fmt: skip


def take(data: bytes) -> str:
    content, *sets = data.split(_SETS)
    try:
        root = read_yaml(content, "fuzz.yaml")
        apply_settings(root, [each.decode("utf-8", "surrogateescape") for each in sets])
        scenario = validate(root, content.decode("utf-8").removeprefix("\ufeff").splitlines())
    except InvalidScenario as error:
        for problem in error.problems:
            if not _PLACE.match(problem.place) or not problem.message:
                raise Disagreement(f"a problem without a place or a reason: {problem!r}") from error
        return _kind_of(error)
    except BlackboardError as error:
        return _kind_of(error)
    return f"a scenario of {sorted(scenario.model_fields_set)}"


def _kind_of(error: BlackboardError) -> str:
    """The words of the first line: what differs in them was refused elsewhere in the reader."""
    return type(error).__name__ + re.sub(r"[^ a-z]+|\b\w*\d\w*\b", "", str(error).partition("\n")[0])[:80]


def samples() -> Sequence[bytes]:
    found = [
        *files("scenarios/*/scenario.yaml"),
        *blocks_of_docs("yaml"),
        *files("yaml/src/*.yaml", under=public_data()),
    ]
    return [*found, *texts_of_tests("scenario_loading", "expectations", "scenario_team")]


def fresh(chance: Random) -> bytes:
    """A whole scenario put together from lines that scenarios have."""
    before, after = (b"", b"  ", b"    ", b"- "), (b"", b": ", b" x")
    words = chance.choices(WORDS, k=chance.randint(1, 12))
    lines = [chance.choice(before) + word.strip() + chance.choice(after) for word in words]
    return b"\n".join([b"version: 1", *lines])


TARGET = Target("loader", take, samples, WORDS, fresh)
