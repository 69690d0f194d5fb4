"""The members of what agents collect, looked up by the captures that they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from controller.activation import activation_id
from controller.collecting import readiness, standing, taken

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from blackboard.record import Record
    from controller.collecting import Gathered, Readiness
    from controller.matching import Match
    from controller.memory import Memories
    from knowledge_sources.collect import Collecting
    from knowledge_sources.source import KnowledgeSource


def by_set(source: KnowledgeSource) -> bool:
    """Whether each set of members is an activation of its own."""
    return any(collecting.each for collecting in source.collects)


def identity(
    source: KnowledgeSource,
    captures: Mapping[str, str],
    records: Mapping[str, Record[Any]],
    members: Sequence[tuple[str, str, str]] = (),
) -> str:
    """The id of the activation of ``source`` on these records, and on ``members`` where it is one of that set alone."""
    triggers = [(alias, record.key, record.commit) for alias, record in records.items()]
    return activation_id(source.name, captures, [*triggers, *members] if members else triggers)


class Membership:
    """What agents collect, from the memories of their patterns.

    Counting takes the same time however many there are; listing is for who needs to know which.
    """

    def __init__(self, memories: Memories) -> None:
        self._memories = memories

    def standings(self, source: KnowledgeSource, captures: Mapping[str, str]) -> tuple[int, ...]:
        """What the members of each collect come to, those that have just expired counted, too."""
        return tuple([standing(one, self._memories.count(one.pattern, captures)) for one in source.collects])

    def members(self, source: KnowledgeSource, captures: Mapping[str, str]) -> Mapping[str, Sequence[Record[Any]]]:
        """What is there of what ``source`` collects under ``captures``, by alias, the earliest commit first."""
        return {
            one.alias: sorted(
                (record for record, _ in self._memories.select(one.pattern, captures)),
                key=lambda record: (record.revision, record.key),
            )
            for one in source.collects
        }

    def gathered(self, source: KnowledgeSource, captures: Mapping[str, str]) -> Gathered | None:
        """What ``source`` is given if it fires under ``captures`` now; ``None`` where that is not enough."""
        return taken(source, self.members(source, captures))

    def first(self, match: Match) -> tuple[Record[Any], ...]:
        """The earliest member of what ``match`` collects, from which one without other records counts; or nothing."""
        members = self.members(match.source, match.captures)
        return tuple(sorted((each[0] for each in members.values() if each), key=lambda record: record.revision)[:1])

    def readiness(
        self, source: KnowledgeSource, captures: Mapping[str, str], records: Mapping[str, Record[Any]]
    ) -> Readiness:
        """When the match of ``records`` under ``captures`` may fire."""
        return readiness(source, records.values(), self.members(source, captures))

    def identity(self, source: KnowledgeSource, captures: Mapping[str, str], records: Mapping[str, Record[Any]]) -> str:
        """The id of the activation of ``source`` on ``records`` and, where that makes a difference, its members."""
        if not by_set(source):
            return identity(source, captures, records)
        members = self.members(source, captures)
        sets = [
            (one.alias, r.key, r.commit) for one in source.collects if one.each for r in members[one.alias][: one.most]
        ]
        return identity(source, captures, records, sets)

    def groups(self, collects: Sequence[Collecting], captures: dict[str, str]) -> Iterator[dict[str, str]]:
        """``captures`` with every way to bind what ``collects`` alone capture."""
        for index, collecting in enumerate(collects):
            if any(name not in captures for name in collecting.pattern.captures):
                for bound in self._memories.groups(collecting.pattern, captures):
                    yield from self.groups(collects[index + 1 :], {**captures, **bound})
                return
        yield captures
