"""A merge agent for each deadlock: it supplies one record that the circle waits for, merged from what is there.

The file is edited as text, so its comments and its layout stay; only a line for each agent is added.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Final, NamedTuple

from knowledge_sources.declaration import Watch
from scenarios.yaml_nodes import MapNode, descend

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knowledge_sources.dependencies import Dependencies
    from knowledge_sources.source import KnowledgeSource
    from scenarios.scenario import Scenario

PLAIN: Final = re.compile(r"[A-Za-z][A-Za-z0-9_-]*\Z")


class Mend(NamedTuple):
    """One agent to be added, and the circle that it breaks."""

    agent: str
    line: str
    """as it stands under ``agents:``, without indentation"""
    circle: tuple[str, ...]
    key: str
    """what it supplies"""


class Unmended(NamedTuple):
    """A circle that no merge agent can break, and why."""

    circle: tuple[str, ...]
    why: str


def mends(found: Dependencies) -> tuple[list[Mend], list[Unmended]]:
    """A merge agent for each deadlock, or why there is none."""
    done: list[Mend] = []
    left: list[Unmended] = []
    taken = {source.name for source in found.sources}
    for circle in found.deadlocks:
        names = tuple(source.name for source in circle)
        mend = next((mend for source in circle if (mend := _mend(found, source, names, taken))), None)
        if mend is None:
            why = "none of them has another input, from outside of the circle, that names what it waits for"
            left.append(Unmended(names, why))
        else:
            taken.add(mend.agent)
            done.append(mend)
    return done, left


def _mend(found: Dependencies, source: KnowledgeSource, circle: tuple[str, ...], taken: set[str]) -> Mend | None:
    """The agent that supplies what ``source`` lacks, where that can be made of what else it watches."""
    starved = next(one for one in found.starved if one.source is source)
    if len(starved.missing) != 1:
        return None
    (missing,) = starved.missing
    if not isinstance(missing, Watch):
        return None  # a merge agent writes one record, not the several that are collected
    there = [watch for watch in source.watches if watch is not missing]
    bound = {name for watch in there for name in watch.pattern.captures}
    closed = all(segment.kind in ("literal", "capture") for segment in missing.pattern.segments)
    if not there or not closed or not set(missing.pattern.captures) <= bound:
        return None
    name, number = f"merge_for_{source.name}"[:60], 2
    while name in taken:
        name, number = f"merge_for_{source.name}"[:58] + f"_{number}", number + 1
    return Mend(name, _line(name, there, missing), circle, missing.pattern.key_text)


def _line(name: str, there: Sequence[Watch], missing: Watch) -> str:
    watches = ", ".join(f"{_text(watch.alias)}: {_text(watch.pattern.text)}" for watch in there)
    key = _text(missing.pattern.key_text)
    settings = f"watches: {{{watches}}}, contributes: {key}, unless: {key}"
    return f'{name}: {{use: "library:merge", with: {{{settings}}}}}'


def _text(text: str) -> str:
    """``text`` as a YAML flow scalar."""
    return text if PLAIN.match(text) else json.dumps(text, ensure_ascii=False)


def mended(scenario: Scenario, text: str, found: Sequence[Mend]) -> str | None:
    """``text`` with a line for each of ``found`` before the first agent; ``None`` where agents do not stand in lines."""
    agents = descend(scenario.root, ("agents",))
    if not isinstance(agents, MapNode) or not agents.keys:
        return None
    first = min(agents.keys.values(), key=lambda key: key.line)
    lines = text.splitlines(keepends=True)
    if not 1 <= first.line <= len(lines):
        return None
    before = lines[first.line - 1][: first.column - 1]
    if before.strip():
        return None
    ending = "\r\n" if lines[first.line - 1].endswith("\r\n") else "\n"
    added = [f"{before}{mend.line}{ending}" for mend in found]
    return "".join([*lines[: first.line - 1], *added, *lines[first.line - 1 :]])
