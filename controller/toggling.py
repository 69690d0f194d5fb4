"""Records that agents overwrite in turn with what stood there before: each undoes what the other did.

What counts follows from the activations' records, so it survives a restart.
"""

from __future__ import annotations

from typing import Final, NamedTuple

REMEMBERED: Final = 16
"""digests of one record: a round of more values than this is left to the limit of the lineage"""


class Toggled(NamedTuple):
    """A record that goes back and forth: ``times`` in a row its value was one that had stood there before."""

    key: str
    authors: tuple[str, ...]
    times: int
    since_ms: int


class _Course:
    """What has stood at one key lately, and how often it came back."""

    __slots__ = ("authors", "case", "last_author", "seen", "since_ms", "times")

    def __init__(self, case: str, since_ms: int) -> None:
        self.case = case
        self.seen: dict[str, None] = {}
        self.authors: dict[str, None] = {}
        self.last_author = ""
        self.times = 0
        self.since_ms = since_ms

    def remember(self, digest: str) -> None:
        self.seen.pop(digest, None)
        self.seen[digest] = None
        if len(self.seen) > REMEMBERED:
            del self.seen[next(iter(self.seen))]


class Toggling:
    """The records that were overwritten; ``limit`` is how often one may come back in a row, ``None`` for ever."""

    def __init__(self, limit: int | None) -> None:
        self.limit = limit
        self._courses: dict[str, _Course] = {}
        self.held: dict[tuple[str, str], str] = {}
        """agent and case → the record that it keeps overwriting, past the limit"""

    def __contains__(self, key: object) -> bool:
        """Whether the record at that key was overwritten before."""
        return key in self._courses

    def has_stood(self, key: str, digest: str) -> bool:
        """Whether that value has stood at ``key`` before, as far as is remembered."""
        course = self._courses.get(key)
        return course is not None and digest in course.seen

    def note(self, key: str, agent: str, case: str, *, before: str, after: str, at_ms: int) -> None:
        """``agent`` has put the value ``after`` in the place of ``before``; both are digests, ``""`` is no record."""
        course = self._courses.get(key)
        if course is None or course.case != case:
            if course is not None:
                self._release(key, course)
            course = self._courses[key] = _Course(case, at_ms)
        course.remember(before)
        if before == after:
            return
        if after not in course.seen:
            self._release(key, course)
            course.times, course.since_ms, course.authors = 0, at_ms, {agent: None}
        elif course.last_author not in ("", agent):
            course.times += 1
            course.authors[agent] = None
            if self.limit is not None and course.times >= self.limit:
                for author in course.authors:
                    self.held[author, case] = key
        course.last_author = agent
        course.remember(after)

    def holds(self, agent: str, case: str) -> Toggled | None:
        """What keeps ``agent`` from firing for ``case``; ``None`` where nothing does."""
        key = self.held.get((agent, case))
        if key is None:
            return None
        course = self._courses[key]
        return Toggled(key, tuple(course.authors), course.times, course.since_ms)

    def _release(self, key: str, course: _Course) -> None:
        for author in course.authors:
            if self.held.get((author, course.case)) == key:
                del self.held[author, course.case]
