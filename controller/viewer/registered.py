"""Agents as the registry tells of them: enough to see on what they would fire, without their code."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final

from blackboard.pattern import Pattern
from knowledge_sources.collect import Collecting
from knowledge_sources.decorators import knowledge_source
from knowledge_sources.source import KnowledgeSource, Watch, source_of

if TYPE_CHECKING:
    from blackboard.control_records import Agent, CollectClause


@knowledge_source(watches={"record": "some/record"}, name="registered")
def _registered(record: Any) -> None:
    """What stands for the code of an agent, which is elsewhere."""


_BLANK: Final = source_of(_registered)


def registered_source(agent: Agent, *, rating: float = 0.0, max_running: int | None = None) -> KnowledgeSource:
    """``agent`` as a source that never runs; its precondition, which is code, lets everything pass.

    Raises :class:`InvalidInput` where its patterns do not parse.
    """
    assert _BLANK is not None  # noqa: S101  # it is declared above
    return dataclasses.replace(
        _BLANK,
        name=agent["name"],
        kind=agent["kind"],
        watches=tuple(Watch(alias, Pattern.parse(text)) for alias, text in agent["watches"].items()),
        collects=tuple(_collecting(alias, clause) for alias, clause in agent.get("collects", {}).items()),
        unless=tuple(map(Pattern.parse, agent["unless"])),
        provides=next(iter(agent["capabilities"]), agent["name"]),
        level=agent["level"],
        rating=rating,
        respond_within_ms=agent["respond_within_ms"],
        instead_of=tuple(agent.get("instead_of", ())),
        max_running=max_running,
        after_ms=agent.get("after_ms"),
    )


def _collecting(alias: str, clause: CollectClause) -> Collecting:
    return Collecting(
        alias, Pattern.parse(clause["pattern"]), max(0, clause["at_least"]), clause["of"], clause["within_ms"],
        clause["refire"] == "each",
    )  # fmt: skip
