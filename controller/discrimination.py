"""Patterns found by the record that they match, without a look at those that cannot match it.

A discrimination network: the segments of the key lead down a tree (literal or open), and at its leaf a predicate
is filed under what it demands (:mod:`controller.demands`).  What a predicate says beyond that is then tested.
After C. Forgy, "Rete: a fast algorithm for the many pattern/many object pattern match problem", 1982.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

from controller.demands import File, Leaf

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from blackboard.pattern import Match, Pattern
    from blackboard.record import Record

T = TypeVar("T")

FEW: Final = 4
"""patterns of one region that are tried one by one: a tree costs more than that many tests"""

Found: TypeAlias = "Sequence[tuple[T, Match]]"
"""things that were filed under patterns, each with what its pattern captured"""


class PatternIndex(Generic[T]):
    """Things filed under patterns.  What is found comes in the order in which it was filed."""

    def __init__(self) -> None:
        self._regions: dict[str, _Region[T]] = {}
        self._count = 0

    def __bool__(self) -> bool:
        return bool(self._regions)

    def add(self, pattern: Pattern, item: T) -> None:
        """File ``item`` under ``pattern``."""
        region = self._regions.get(pattern.region)
        if region is None:
            region = self._regions[pattern.region] = _Region()
        self._count += 1
        region.add(pattern, item, self._count)

    def remove(self, pattern: Pattern, item: T) -> None:
        """Take ``item`` out again; it must be there."""
        region = self._regions[pattern.region]
        region.remove(pattern, item)
        if not region.files:
            del self._regions[pattern.region]

    def matching(self, record: Record[Any]) -> Found[T]:
        """What is filed under a pattern that matches ``record``."""
        regions = self._regions
        if not regions:
            return ()
        region = regions.get(record.key.partition("/")[0])
        return region.matching(record) if region is not None else ()

    def fitting(self, key: str) -> Found[T]:
        """What is filed under a pattern whose key template fits, whatever its predicate says."""
        region = self._regions.get(key.partition("/")[0])
        return region.fitting(key) if region is not None else ()


class _Region(Generic[T]):
    """The patterns of one region: a list while they are few, then a tree as well."""

    __slots__ = ("_tree", "files")

    def __init__(self) -> None:
        self.files: dict[str, File[T]] = {}
        """by the pattern's text: agents that watch the same share one test"""
        self._tree: _Node[T] | None = None

    def add(self, pattern: Pattern, item: T, number: int) -> None:
        file = self.files.get(pattern.text)
        if file is None:
            file = self.files[pattern.text] = File(pattern, number)
            if self._tree is not None:
                self._tree.insert(file)
            elif len(self.files) > FEW:
                self._tree = _Node()
                for each in self.files.values():
                    self._tree.insert(each)
        file.items.append((number, item))

    def remove(self, pattern: Pattern, item: T) -> None:
        file = self.files[pattern.text]
        index = next(at for at, (_, present) in enumerate(file.items) if present is item)
        del file.items[index]
        if not file.items:
            del self.files[pattern.text]
            if self._tree is not None:
                self._tree.remove(file)

    def matching(self, record: Record[Any]) -> Found[T]:
        if self._tree is not None:
            files: Iterable[File[T]] = self._tree.candidates(record)
        else:
            files = self.files.values()
        found = []
        for file in files:
            captures = file.pattern.match(record)
            if captures is not None:
                found.append((file, captures))
        return _in_order(found) if found else ()

    def fitting(self, key: str) -> Found[T]:
        files: Iterable[File[T]] = self.files.values()
        if self._tree is not None:
            files = self._tree.fitting(key)
        found = [(file, captures) for file in files if (captures := file.pattern.match_key(key)) is not None]
        return _in_order(found) if found else ()


def _in_order(found: list[tuple[File[T], Match]]) -> Found[T]:
    if len(found) == 1:
        file, captures = found[0]
        if len(file.items) == 1:
            return ((file.items[0][1], captures),)
        return [(item, captures) for _, item in file.items]
    each = [(number, item, captures) for file, captures in found for number, item in file.items]
    each.sort(key=lambda one: one[0])
    return [(item, captures) for _, item, captures in each]


class _Node(Generic[T]):
    """What can follow after some segments of a key."""

    __slots__ = ("here", "literals", "open", "rest")

    def __init__(self) -> None:
        self.literals: dict[str, _Node[T]] = {}
        self.open: _Node[T] | None = None
        self.here: Leaf[T] | None = None
        """patterns that end here"""
        self.rest: Leaf[T] | None = None
        """patterns that take whatever follows"""

    def insert(self, file: File[T]) -> None:
        self._leaf(file).insert(file)

    def remove(self, file: File[T]) -> None:
        self._leaf(file).remove(file)

    def _leaf(self, file: File[T]) -> Leaf[T]:
        node = self
        for segment in file.pattern.segments[1:]:
            if segment.kind == "rest":
                node.rest = node.rest or Leaf()
                return node.rest
            if segment.kind == "literal":
                node = node.literals.setdefault(segment.text, _Node())
            else:
                node.open = node.open or _Node()
                node = node.open
        node.here = node.here or Leaf()
        return node.here

    def candidates(self, record: Record[Any]) -> Iterator[File[T]]:
        """A superset of the patterns that match, by key, equalities and bounds."""
        for leaf in self._leaves(record.key):
            yield from leaf.candidates(record)

    def fitting(self, key: str) -> Iterator[File[T]]:
        """The patterns whose key template may fit."""
        for leaf in self._leaves(key):
            yield from leaf.files.values()

    def _leaves(self, key: str) -> Iterator[Leaf[T]]:
        nodes: list[_Node[T]] = [self]
        for segment in key.split("/")[1:]:
            following = []
            for node in nodes:
                if node.rest is not None:
                    yield node.rest
                literal = node.literals.get(segment)
                if literal is not None:
                    following.append(literal)
                if node.open is not None:
                    following.append(node.open)
            nodes = following
        for node in nodes:
            if node.here is not None:
                yield node.here
