"""Circles in a graph: groups of names that reach each other."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence


def circles(following: Mapping[str, Sequence[str]]) -> list[tuple[str, ...]]:
    """One circle of each group of names that reach each other, in the order of ``following``.

    The groups are the strongly connected components (R. Tarjan, "Depth-first search and linear graph algorithms",
    1972) of more than one name, or of one that follows itself; the circle is the shortest through its first name.
    """
    found = []
    for group in _components(following):
        first = next(name for name in following if name in group)
        circle = _shortest_back(first, group, following)
        if circle:
            found.append(circle)
    order = {name: place for place, name in enumerate(following)}
    return sorted(found, key=lambda circle: order[circle[0]])


def _shortest_back(first: str, group: frozenset[str], following: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    paths: list[tuple[str, ...]] = [(first,)]
    seen: set[str] = set()
    while paths:
        longer: list[tuple[str, ...]] = []
        for path in paths:
            for name in following.get(path[-1], ()):
                if name == first:
                    return path
                if name in group and name not in seen:
                    seen.add(name)
                    longer.append((*path, name))
        paths = longer
    return ()


def _components(following: Mapping[str, Sequence[str]]) -> list[frozenset[str]]:
    """The strongly connected components, by Tarjan's algorithm without recursion."""
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    found: list[frozenset[str]] = []
    for root in following:
        if root in index:
            continue
        work = [(root, iter(following.get(root, ())))]
        index[root] = low[root] = len(index)
        stack.append(root)
        while work:
            name, rest = work[-1]
            for after in rest:
                if after not in following:
                    continue
                if after not in index:
                    index[after] = low[after] = len(index)
                    stack.append(after)
                    work.append((after, iter(following.get(after, ()))))
                    break
                if after in stack:
                    low[name] = min(low[name], index[after])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[name])
                if low[name] == index[name]:
                    at = stack.index(name)
                    found.append(frozenset(stack[at:]))
                    del stack[at:]
    return found
