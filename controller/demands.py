"""Patterns of one key shape, filed by what their predicates demand: the leaves of the discrimination network.

A predicate that compares fields with constants is filed under these, one hash look-up for all patterns that compare
the same fields; one that orders a field and a number under its bound, one bisection for all that order the same field.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right, insort
from typing import TYPE_CHECKING, Any, Generic, TypeAlias, TypeVar

from blackboard.predicate.path import walk
from blackboard.predicate.values import term

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from blackboard.pattern import Pattern
    from blackboard.predicate.path import Path
    from blackboard.predicate.predicate import Bound
    from blackboard.record import Record

T = TypeVar("T")
Term: TypeAlias = tuple[str, Any]


class File(Generic[T]):
    """Everything that was filed under one pattern, in the order in which it was."""

    __slots__ = ("items", "number", "pattern")

    def __init__(self, pattern: Pattern, number: int) -> None:
        self.pattern = pattern
        self.number = number
        self.items: list[tuple[int, T]] = []


class _Equals(Generic[T]):
    """Patterns that compare the same paths with constants: one look-up finds those whose constants these are."""

    __slots__ = ("buckets", "paths")

    def __init__(self, paths: tuple[Path, ...]) -> None:
        self.paths = paths
        self.buckets: dict[tuple[Term, ...], dict[str, File[T]]] = {}

    def lookup(self, value: object, record: Record[Any]) -> Iterable[File[T]]:
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
        self.lowers: list[tuple[float, int, File[T]]] = []
        """``path > n`` and ``path >= n``, by n"""
        self.uppers: list[tuple[float, int, File[T]]] = []
        """``path < n`` and ``path <= n``, by n"""

    def lookup(self, value: object) -> Iterator[File[T]]:
        found = walk(value, self.path.steps)
        if type(found) is not int and type(found) is not float:
            return
        for _, _, file in self.lowers[: bisect_right(self.lowers, found, key=lambda one: one[0])]:
            yield file
        for _, _, file in self.uppers[bisect_left(self.uppers, found, key=lambda one: one[0]) :]:
            yield file


class Leaf(Generic[T]):
    """The patterns of one key shape, filed by what their predicates demand."""

    __slots__ = ("_bounded", "_equals", "_metadata", "_others", "files")

    def __init__(self) -> None:
        self.files: dict[str, File[T]] = {}
        self._equals: dict[str | int, dict[tuple[Path, ...], _Equals[T]]] = {}
        """by the field of the value that the first of the paths begins with: a record is asked for what it has"""
        self._metadata: dict[tuple[Path, ...], _Equals[T]] = {}
        """those whose first path is not in the value"""
        self._bounded: dict[str | int, dict[Path, _Ordered[T]]] = {}
        self._others: dict[str, File[T]] = {}

    def insert(self, file: File[T]) -> None:
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

    def remove(self, file: File[T]) -> None:
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

    def candidates(self, record: Record[Any]) -> Iterator[File[T]]:
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


def _side(ordered: _Ordered[T], bound: Bound) -> list[tuple[float, int, File[T]]]:
    return ordered.lowers if bound.lower else ordered.uppers
