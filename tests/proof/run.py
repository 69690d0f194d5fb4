"""A run as the oracles see it: what was recorded of its clients, and what the server holds at the end."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from tests.proof.claims import claims_of

if TYPE_CHECKING:
    from tests.proof.dump import Dump, LoggedCommit
    from tests.proof.history import Commit, History

Named: TypeAlias = tuple[str, int]
"""an operation of a history: its client and its number there"""


class Violation(NamedTuple):
    """A promise that was broken: which oracle found it, and what it found, in a sentence."""

    oracle: str
    sentence: str


class Timeline:
    """What stood at one key after each revision that changed it: the commit's name, empty for nothing."""

    def __init__(self) -> None:
        self.revisions = [0]
        self.commits = [""]

    def add(self, revision: int, commit: str) -> None:
        self.revisions.append(revision)
        self.commits.append(commit)

    def at(self, revision: int) -> str:
        """What stood there once ``revision`` was applied."""
        return self.commits[bisect_right(self.revisions, revision) - 1]

    def next_with(self, commit: str, revision: int) -> int | None:
        """The first revision from ``revision`` on after which ``commit`` stood there; ``None`` where there is none."""
        place = bisect_right(self.revisions, revision) - 1
        if self.commits[place] == commit:
            return revision
        for later in range(place + 1, len(self.commits)):
            if self.commits[later] == commit:
                return self.revisions[later]
        return None


@dataclass
class Run:
    """History and dump, and under which promises they came about."""

    history: History
    dump: Dump
    may_lose: bool = False
    """a server was replaced by one that lacked commits: what it lacked may be missing, and nothing else"""
    complete: bool = True
    """every writer to the board was recorded"""

    @cached_property
    def entries(self) -> dict[str, LoggedCommit]:
        """The log by the names of its commits."""
        return {entry.commit: entry for entry in self.dump.log}

    @cached_property
    def _began(self) -> dict[int, int]:
        return self.dump.began()

    def lost(self, commit: str) -> bool:
        """Whether ``commit`` may be missing because its epoch ended before it, when another server took over."""
        epoch, _, revision = commit.partition("-")
        following = self._began.get(int(epoch) + 1)
        return self.may_lose and commit not in self.entries and following is not None and int(revision) > following

    def trimmed(self, commit: str) -> bool:
        """Whether ``commit`` lies below the horizon, where the log tells nothing any more."""
        return int(commit.partition("-")[2]) <= self.dump.horizon

    @cached_property
    def claims(self) -> dict[Named, LoggedCommit]:
        """Per operation whose outcome its client does not know: the entry of the log that it is, where there is one."""
        return claims_of(self.history, self.dump)

    def entry_of(self, commit: Commit) -> LoggedCommit | None:
        """The entry that ``commit`` wrote, as far as its client or the log can tell."""
        if commit.outcome == "done" and not commit.repeated:
            return self.entries.get(commit.commit)
        return self.claims.get((commit.client, commit.number))

    @cached_property
    def timelines(self) -> dict[str, Timeline]:
        """Per key what stood there when; under ``region/`` the revision of the region's last change."""
        lines: dict[str, Timeline] = defaultdict(Timeline)
        for key, stored in self.dump.base.items():
            epoch, revision, _ = stored.split(b" ", 2)
            lines[key].add(int(revision), f"{epoch.decode()}-{revision.decode()}")
        for entry in self.dump.log:
            for change in entry.changes:
                lines[change.key].add(entry.revision, entry.commit if change.operation == "p" else "")
                region = lines[change.key.partition("/")[0] + "/"]
                if region.revisions[-1] != entry.revision:
                    region.add(entry.revision, str(entry.revision))
        return lines

    def stood(self, key: str, revision: int) -> str:
        """The commit that stood at ``key`` after ``revision``, empty for none."""
        line = self.timelines.get(key)
        return line.at(revision) if line is not None else ""
