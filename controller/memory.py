"""The records that one pattern matches, found by what they capture: what joins look up instead of scanning regions.

An alpha memory with hash indexes, in the words of the Rete literature.  One is made when a join first needs it, and
kept up change by change from then on.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from controller.discrimination import PatternIndex

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from blackboard.log import Change
    from blackboard.pattern import Match, Pattern
    from blackboard.record import Record
    from controller.candidates import Board


class Held(NamedTuple):
    """A record and what the pattern captured of its key."""

    record: Record[Any]
    captures: Match


_NOTHING: Final[Mapping[str, Held]] = MappingProxyType({})


class Memory:
    """The records of one pattern."""

    __slots__ = ("_indexes", "_names", "_records")

    def __init__(self, pattern: Pattern) -> None:
        self._names = pattern.captures
        self._records: dict[str, Held] = {}
        self._indexes: dict[tuple[str, ...], dict[tuple[str, ...], dict[str, Held]]] = {}
        """names of captures → their texts → records by key; one is made when it is first asked for"""

    def put(self, record: Record[Any], captures: Match) -> None:
        """Hold ``record``, in the place of an earlier version of it."""
        held = self._records[record.key] = Held(record, captures)
        for names, index in self._indexes.items():
            index.setdefault(_texts(captures, names), {})[record.key] = held

    def remove(self, key: str) -> None:
        """Forget the record at ``key``, which is held."""
        held = self._records.pop(key)
        for names, index in self._indexes.items():
            texts = _texts(held.captures, names)
            del index[texts][key]
            if not index[texts]:
                del index[texts]

    def select(self, captures: Mapping[str, str]) -> list[Held]:
        """The records that do not contradict ``captures``."""
        return list(self.group(captures).values())

    def group(self, captures: Mapping[str, str]) -> Mapping[str, Held]:
        """What :meth:`select` gives, by key and not to be changed: finding it takes the same time however many it has."""
        names = tuple([name for name in self._names if name in captures])
        if not names:
            return self._records
        index = self._indexes.get(names)
        if index is None:
            index = self._indexes[names] = {}
            for key, held in self._records.items():
                index.setdefault(_texts(held.captures, names), {})[key] = held
        return index.get(_texts(captures, names), _NOTHING)


def _texts(captures: Mapping[str, str], names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple([captures[name] for name in names])


class Memories:
    """The memories that joins have asked for, each pattern's once."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._memories: dict[str, Memory] = {}
        self._patterns: PatternIndex[Memory] = PatternIndex()
        self._holding: dict[str, list[Memory]] = {}
        """key → the memories that hold its record"""

    def changed(self, change: Change) -> None:
        """Take in one change of the board."""
        if not self._memories:
            return
        for memory in self._holding.pop(change.key, ()):
            memory.remove(change.key)
        if change.record is not None:
            for memory, captures in self._patterns.matching(change.record):
                self._hold(memory, change.record, captures)

    def select(self, pattern: Pattern, captures: Mapping[str, str]) -> Iterator[tuple[Record[Any], Match]]:
        """The records that ``pattern`` matches without contradicting ``captures``, each with what it binds."""
        for record, bound in self._of(pattern).select(captures):
            # Its time may be over, or the board, starting over, may be ahead of what it has told.
            present = self._board.get(record.key)
            if present is not None and present.commit == record.commit:
                yield record, bound

    def count(self, pattern: Pattern, captures: Mapping[str, str]) -> int:
        """How many records :meth:`select` gives, those whose time is over and that are not yet removed among them."""
        return len(self._of(pattern).group(captures))

    def groups(self, pattern: Pattern, captures: Mapping[str, str]) -> list[Match]:
        """What the records of ``pattern`` bind under ``captures``, each once."""
        found = {tuple(bound.values()): bound for _, bound in self.select(pattern, captures)}
        return list(found.values())

    def forget(self, pattern: Pattern) -> None:
        """Nobody joins ``pattern`` any more."""
        memory = self._memories.pop(pattern.text, None)
        if memory is None:
            return
        self._patterns.remove(pattern, memory)
        for key, memories in list(self._holding.items()):
            if memory in memories:
                memories.remove(memory)
                if not memories:
                    del self._holding[key]

    def _of(self, pattern: Pattern) -> Memory:
        return self._memories.get(pattern.text) or self._made(pattern)

    def _made(self, pattern: Pattern) -> Memory:
        memory = self._memories[pattern.text] = Memory(pattern)
        self._patterns.add(pattern, memory)
        for record in self._board.find(pattern):
            captures = pattern.match(record)
            if captures is not None:
                self._hold(memory, record, captures)
        return memory

    def _hold(self, memory: Memory, record: Record[Any], captures: Match) -> None:
        memory.put(record, captures)
        self._holding.setdefault(record.key, []).append(memory)
