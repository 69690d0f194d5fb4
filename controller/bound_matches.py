"""The live matches that a record may affect, found by what its key captures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blackboard.pattern import Pattern
    from controller.matching import Match
    from knowledge_sources.source import KnowledgeSource

_NO_MATCHES: Final[Mapping[str, Match]] = {}


class BoundMatches:
    """One pattern of one agent that is no plain watch, and the live matches that its records could change."""

    __slots__ = ("_matches", "pattern", "source")

    def __init__(self, source: KnowledgeSource, pattern: Pattern) -> None:
        self.source = source
        self.pattern = pattern
        self._matches: dict[tuple[str, ...], dict[str, Match]] = {}
        """by what they bind of the pattern's captures, so that a change costs only what it affects"""

    def hold(self, match: Match) -> None:
        self._matches.setdefault(self._place(match.captures), {})[match.activation] = match

    def drop(self, match: Match) -> None:
        place = self._place(match.captures)
        found = self._matches.get(place)
        if found is not None and found.pop(match.activation, None) is not None and not found:
            del self._matches[place]

    def under(self, captures: Mapping[str, str]) -> list[Match]:
        """The live matches that a record with these captures affects."""
        return list(self._matches.get(self._place(captures), _NO_MATCHES).values())

    def _place(self, captures: Mapping[str, str]) -> tuple[str, ...]:
        return tuple([captures[name] for name in self.pattern.captures])
