"""What stood at one key, revision by revision."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import defaultdict


class Timeline:
    """What stood at one key after each revision that changed it: the commit's name, empty for nothing."""

    __slots__ = ("_commits", "_places", "_revisions")

    def __init__(self) -> None:
        self._revisions = [0]
        self._commits = [""]
        self._places: dict[str, list[int]] = defaultdict(list, {"": [0]})

    def add(self, revision: int, commit: str) -> None:
        """From ``revision`` on, which is later than all before, ``commit`` stands there."""
        self._places[commit].append(len(self._commits))
        self._revisions.append(revision)
        self._commits.append(commit)

    @property
    def last_revision(self) -> int:
        return self._revisions[-1]

    def at(self, revision: int) -> str:
        """What stood there once ``revision`` was applied."""
        return self._commits[bisect_right(self._revisions, revision) - 1]

    def next_with(self, commit: str, revision: int) -> int | None:
        """The first revision from ``revision`` on after which ``commit`` stood there, ``None`` where there is none."""
        place = bisect_right(self._revisions, revision) - 1
        if self._commits[place] == commit:
            return revision
        places = self._places.get(commit, [])
        later = bisect_left(places, place)
        return self._revisions[places[later]] if later < len(places) else None
