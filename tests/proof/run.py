"""A run as the oracles see it: what was recorded of its clients, and what the server holds at the end."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, TypeAlias

from tests.proof.claims import claims_of
from tests.proof.packed import head_of, parse_stored
from tests.proof.timeline import Timeline

if TYPE_CHECKING:
    from tests.proof.dump import Dump, LoggedCommit
    from tests.proof.history import Commit, History

Named: TypeAlias = tuple[str, int]
"""an operation of a history: its client and its number there"""


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
            commit = parse_stored(stored).commit
            lines[key].add(int(commit.partition("-")[2]), commit)
        for entry in self.dump.log:
            for change in entry.changes:
                lines[change.key].add(entry.revision, entry.commit if change.operation == "p" else "")
                region = lines[change.key.partition("/")[0] + "/"]
                if region.last_revision != entry.revision:
                    region.add(entry.revision, str(entry.revision))
        return lines

    def stood(self, key: str, revision: int) -> str:
        """The commit that stood at ``key`` after ``revision``, empty for none."""
        line = self.timelines.get(key)
        return line.at(revision) if line is not None else ""

    def mortal(self, keys: set[str]) -> set[str]:
        """Those of ``keys`` that ever held a record with an end to its time: a reader may see it end before the log."""
        found = {key for key in keys & self.dump.base.keys() if parse_stored(self.dump.base[key]).expires_ms}
        for entry in self.dump.log:
            for change in entry.changes:
                if change.key in keys and change.operation == "p" and head_of(change.data).expires_ms:
                    found.add(change.key)
        return found

    def lost_times(self) -> list[tuple[int, int]]:
        """From when a server fell behind (the event ``lagging``) until another took its place (``promoted``)."""
        found, since = [], 0
        for event in sorted(self.history.events, key=lambda event: event.at_ns):
            if event.what == "lagging":
                since = event.at_ns
            elif event.what == "promoted":
                found.append((since, event.at_ns))
        return found
