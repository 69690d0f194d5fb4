"""A matcher on a board in a dict, for tests: what it tells, checked as it comes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blackboard import codec
from blackboard.control_records import ACTIVATIONS
from blackboard.log import Change
from blackboard.record import Record, Stamp
from controller.matching import Match, Matcher
from knowledge_sources.decorators import knowledge_source
from knowledge_sources.source import KnowledgeSource, source_of

if TYPE_CHECKING:
    from blackboard.pattern import Pattern


class DictBoard:
    """Records in a dict, and who is told of each change."""

    def __init__(self) -> None:
        self.records: dict[str, Record[Any]] = {}
        self.revision = 0
        self.over: set[str] = set()
        """keys of records whose time is over and that are not yet removed"""

    @property
    def commit(self) -> str:
        return f"1-{self.revision}"

    def get(self, key: str) -> Record[Any] | None:
        return None if key in self.over else self.records.get(key)

    def find(self, pattern: Pattern) -> list[Record[Any]]:
        found = [r for r in self.records.values() if r.key not in self.over and pattern.match(r) is not None]
        return sorted(found, key=lambda record: record.key)

    def put(self, key: str, value: Any = None, author: str = "") -> Change:
        self.revision += 1
        commit = f"1-{self.revision}"
        packed, _ = codec.pack_record(Stamp(author=author), "", 0, codec.pack_value(value))
        previous = self.records.get(key)
        record: Record[Any] = Record(key, commit, self.revision, 1, self.revision, packed)
        self.records[key] = record
        before = previous.commit if previous is not None else ""
        return Change(key, "put", commit, self.revision, 0, author, record, before, previous)

    def delete(self, key: str) -> Change:
        self.revision += 1
        previous = self.records.pop(key)
        return Change(key, "delete", f"1-{self.revision}", self.revision, 0, "", None, previous.commit, previous)


class Told:
    """What the matcher told, checked as it comes: nothing twice, nothing taken back that was not told."""

    def __init__(self) -> None:
        self.live: dict[str, Match] = {}
        self.ended: list[tuple[str, str]] = []
        self.misjudgements: list[str] = []

    def matched(self, match: Match) -> None:
        assert match.activation not in self.live, f"{match.source.name} was told twice of {match.captures}"
        self.live[match.activation] = match

    def unmatched(self, match: Match, change: Change) -> None:
        del self.live[match.activation]
        self.ended.append((match.source.name, change.key))

    def moved(self, match: Match) -> None:
        self.live[match.activation] = match

    def keeps(self, activation: str) -> bool:
        return False

    def misjudged(self, source: KnowledgeSource, error: BaseException) -> None:
        self.misjudgements.append(f"{source.name}: {error}")


class Bench:
    """A board, a matcher of ``sources`` and what it told."""

    def __init__(self, *sources: KnowledgeSource) -> None:
        self.board = DictBoard()
        self.told = Told()
        self.matcher = Matcher(self.board, self.told)
        for source in sources:
            self.matcher.add(source)

    def taken_over(self) -> Bench:
        """Another controller with the same agents, on the board as it is."""
        other = Bench()
        other.board = self.board
        other.matcher = Matcher(other.board, other.told)
        for source in self.matcher.sources.values():
            other.matcher.add(source)
        return other

    def put(self, key: str, value: Any = None, author: str = "") -> None:
        self.matcher.changed(self.board.put(key, value, author))

    def delete(self, key: str) -> None:
        self.matcher.changed(self.board.delete(key))

    def fire(self, activation: str) -> None:
        """What the controller does when it fires a match."""
        self.matcher.drop(activation)
        self.told.live.pop(activation)
        self.put(ACTIVATIONS + activation, {"state": "running"})

    def keys(self) -> list[tuple[str, ...]]:
        """The keys of each live match, sorted."""
        live = self.told.live.values()
        return sorted(tuple(record.key for record in match.records.values()) for match in live)


def agent(name: str, watches: Any, **settings: Any) -> KnowledgeSource:
    @knowledge_source(watches=watches, name=name, **settings)
    async def run() -> None:
        """Never run here."""

    source = source_of(run)
    assert source is not None
    return source
