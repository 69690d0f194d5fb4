"""Patterns found by the record that they match, without a look at those that cannot match it.

A discrimination network: the segments of the key lead down a tree (literal or open), and at its leaf a predicate
is filed under what it says must be equal, one hash look-up for all patterns that compare the same fields, or under
its bound, one bisection for all that order the same field.  What a predicate says beyond that is then tested.
After C. Forgy, "Rete: a fast algorithm for the many pattern/many object pattern match problem", 1982.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import TYPE_CHECKING, Any, Final, Generic, TypeAlias, TypeVar

from blackboard.predicate.path import walk
from blackboard.predicate.values import term

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from blackboard.pattern import Match, Pattern
    from blackboard.predicate.path import Path
    from blackboard.predicate.predicate import Bound
    from blackboard.record import Record

T = TypeVar("T")
Term: TypeAlias = tuple[str, Any]

FEW: Final = 4
"""patterns of one region that are tried one by one: a tree costs more than that many tests"""


Found: TypeAlias = "Sequence[tuple[T, Match]]"
"""things that were filed under patterns, each with what its pattern captured"""


class _File(Generic[T]):
    """Everything that was filed under one pattern, in the order in which it was."""

    __slots__ = ("items", "number", "pattern")

    def __init__(self, pattern: Pattern, number: int) -> None:
        self.pattern = pattern
        self.number = number
        self.items: list[tuple[int, T]] = []


class PatternIndex(Generic[T]):
    """Things filed under patterns.  What is found comes in the order in which it was filed."""

    def __init__(self) -> None:
        self._regions: dict[str, _Region[T]] = {}
        self._count = 0

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
        region = self._regions.get(record.key.partition("/")[0])
        return region.matching(record) if region is not None else ()

    def fitting(self, key: str) -> Found[T]:
        """What is filed under a pattern whose key template fits, whatever its predicate says."""
        region = self._regions.get(key.partition("/")[0])
        return region.fitting(key) if region is not None else ()


class _Region(Generic[T]):
    """The patterns of one region: a list while they are few, then a tree as well."""

    __slots__ = ("_tree", "files")

    def __init__(self) -> None:
        self.files: dict[str, _File[T]] = {}
        """by the pattern's text: agents that watch the same share one test"""
        self._tree: _Node[T] | None = None

    def add(self, pattern: Pattern, item: T, number: int) -> None:
        file = self.files.get(pattern.text)
        if file is None:
            file = self.files[pattern.text] = _File(pattern, number)
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
            files: Iterable[_File[T]] = self._tree.candidates(record)
        else:
            files = self.files.values()
        found = []
        for file in files:
            captures = file.pattern.match(record)
            if captures is not None:
                found.append((file, captures))
        return _in_order(found) if found else ()

    def fitting(self, key: str) -> Found[T]:
        files: Iterable[_File[T]] = self.files.values()
        if self._tree is not None:
            files = self._tree.fitting(key)
        found = [(file, captures) for file in files if (captures := file.pattern.match_key(key)) is not None]
        return _in_order(found) if found else ()


def _in_order(found: list[tuple[_File[T], Match]]) -> Found[T]:
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
        self.here: _Leaf[T] | None = None
        """patterns that end here"""
        self.rest: _Leaf[T] | None = None
        """patterns that take whatever follows"""

    def insert(self, file: _File[T]) -> None:
        self._leaf(file).insert(file)

    def remove(self, file: _File[T]) -> None:
        self._leaf(file).remove(file)

    def _leaf(self, file: _File[T]) -> _Leaf[T]:
        node = self
        for segment in file.pattern.segments[1:]:
            if segment.kind == "rest":
                node.rest = node.rest or _Leaf()
                return node.rest
            if segment.kind == "literal":
                node = node.literals.setdefault(segment.text, _Node())
            else:
                node.open = node.open or _Node()
                node = node.open
        node.here = node.here or _Leaf()
        return node.here

    def candidates(self, record: Record[Any]) -> Iterator[_File[T]]:
        """A superset of the patterns that match, by key, equalities and bounds."""
        for leaf in self._leaves(record.key):
            yield from leaf.candidates(record)

    def fitting(self, key: str) -> Iterator[_File[T]]:
        """The patterns whose key template may fit."""
        for leaf in self._leaves(key):
            yield from leaf.files.values()

    def _leaves(self, key: str) -> Iterator[_Leaf[T]]:
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


class _Equals(Generic[T]):
    """Patterns that compare the same paths with constants: one look-up finds those whose constants these are."""

    __slots__ = ("buckets", "paths")

    def __init__(self, paths: tuple[Path, ...]) -> None:
        self.paths = paths
        self.buckets: dict[tuple[Term, ...], dict[str, _File[T]]] = {}

    def lookup(self, value: object, record: Record[Any]) -> Iterable[_File[T]]:
        terms = []
        for path in self.paths:
            found = term(path.read(value, record))
            if found is None:
                return ()
            terms.append(found)
        bucket = self.buckets.get(tuple(terms))
        return bucket.values() if bucket is not None else ()


class _Ordered(Generic[T]):
    """Patterns that bound the same path, in the order of their bounds: those that let a number in lie together."""

    __slots__ = ("lowers", "path", "uppers")

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lowers: list[tuple[float, int, _File[T]]] = []
        """``path > n`` and ``path >= n``, by n"""
        self.uppers: list[tuple[float, int, _File[T]]] = []
        """``path < n`` and ``path <= n``, by n"""

    def lookup(self, value: object) -> Iterator[_File[T]]:
        found = walk(value, self.path.steps)
        if type(found) is not int and type(found) is not float:
            return
        for _, _, file in self.lowers[: bisect_right(self.lowers, found, key=lambda one: one[0])]:
            yield file
        for _, _, file in self.uppers[bisect_left(self.uppers, found, key=lambda one: one[0]) :]:
            yield file


class _Leaf(Generic[T]):
    """The patterns of one key shape, filed by what their predicates demand."""

    __slots__ = ("_bounded", "_equals", "_metadata", "_others", "files")

    def __init__(self) -> None:
        self.files: dict[str, _File[T]] = {}
        self._equals: dict[str | int, dict[tuple[Path, ...], _Equals[T]]] = {}
        """by the field of the value that the first of the paths begins with: a record is asked for what it has"""
        self._metadata: dict[tuple[Path, ...], _Equals[T]] = {}
        """those whose first path is not in the value"""
        self._bounded: dict[str | int, dict[Path, _Ordered[T]]] = {}
        self._others: dict[str, _File[T]] = {}

    def insert(self, file: _File[T]) -> None:
        self.files[file.pattern.text] = file
        equalities, bound = _demands(file.pattern)
        if equalities:
            paths = tuple(path for path, _ in equalities)
            group = self._group(paths)
            equals = group.setdefault(paths, _Equals(paths))
            equals.buckets.setdefault(_terms(equalities), {})[file.pattern.text] = file
        elif bound is not None:
            by_path = self._bounded.setdefault(bound.path.steps[0], {})
            ordered = by_path.setdefault(bound.path, _Ordered(bound.path))
            insort(_side(ordered, bound), (bound.limit, file.number, file), key=lambda one: one[:2])
        else:
            self._others[file.pattern.text] = file

    def remove(self, file: _File[T]) -> None:
        del self.files[file.pattern.text]
        equalities, bound = _demands(file.pattern)
        if equalities:
            paths = tuple(path for path, _ in equalities)
            group = self._group(paths)
            buckets = group[paths].buckets
            del buckets[_terms(equalities)][file.pattern.text]
            if not buckets[_terms(equalities)]:
                del buckets[_terms(equalities)]
            if not buckets:
                del group[paths]
        elif bound is not None:
            by_path = self._bounded[bound.path.steps[0]]
            side = _side(by_path[bound.path], bound)
            side.pop(bisect_left(side, (bound.limit, file.number), key=lambda one: one[:2]))
        else:
            del self._others[file.pattern.text]

    def _group(self, paths: tuple[Path, ...]) -> dict[tuple[Path, ...], _Equals[T]]:
        if not _in_fields(paths[0]):
            return self._metadata
        return self._equals.setdefault(paths[0].steps[0], {})

    def candidates(self, record: Record[Any]) -> Iterator[_File[T]]:
        yield from self._others.values()
        if not (self._equals or self._bounded or self._metadata):
            return
        value = record.value
        for equals in self._metadata.values():
            yield from equals.lookup(value, record)
        for field in _shared(value, self._equals):
            for equals in self._equals[field].values():
                yield from equals.lookup(value, record)
        for field in _shared(value, self._bounded):
            for ordered in self._bounded[field].values():
                yield from ordered.lookup(value)


def _in_fields(path: Path) -> bool:
    return path.root == "value" and bool(path.steps)


def _shared(value: object, fields: dict[str | int, Any]) -> Iterator[str | int]:
    """The fields that ``value`` has and something is filed under, whichever are fewer to go through."""
    if isinstance(value, dict):
        smaller, larger = (value, fields) if len(value) < len(fields) else (fields, value)
        yield from (field for field in smaller if field in larger)
    elif isinstance(value, list | tuple):
        yield from (field for field in fields if type(field) is int)


def _demands(pattern: Pattern) -> tuple[tuple[tuple[Path, Any], ...], Bound | None]:
    """What the predicate says that a record must equal, by path; else one bound that it must keep."""
    predicate = pattern.predicate
    if predicate is None:
        return (), None
    # The same path twice, with two constants, is never true; one of them is enough to file it.
    equalities = dict(predicate.equalities)
    ordered = tuple(sorted(equalities.items(), key=lambda one: (not _in_fields(one[0]), str(one[0]))))
    return ordered, predicate.bound


def _terms(equalities: tuple[tuple[Path, Any], ...]) -> tuple[Term, ...]:
    return tuple(found for _, constant in equalities if (found := term(constant)) is not None)


def _side(ordered: _Ordered[T], bound: Bound) -> list[tuple[float, int, _File[T]]]:
    return ordered.lowers if bound.lower else ordered.uppers
