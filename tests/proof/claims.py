"""Which entry of the log is which of the commits that nobody was told the outcome of."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from tests.proof.dump import Dump, LoggedCommit
    from tests.proof.history import Commit, History


def claims_of(history: History, dump: Dump) -> dict[tuple[str, int], LoggedCommit]:
    """For as many entries as possible a commit of unknown outcome that may have written it, each at most once.

    A maximum matching, by augmenting paths: Kuhn, The Hungarian method for the assignment problem (1955).
    Values that are unique leave one candidate an entry, so that the matching is the truth.  Removals are alike but
    for their guards, so those whose guards name what the entry replaced come first.
    """
    unknown = by_author_and_write(commit for commit in history.commits if commit.outcome == "unknown")
    claimed: dict[tuple[str, int], LoggedCommit] = {}

    def claim(entry: LoggedCommit, tried: set[tuple[str, int]], *, fitting: bool) -> bool:
        for commit in candidates(unknown, entry):
            name = commit.client, commit.number
            if name in tried or (fitting and not _fits(commit, entry)):
                continue
            tried.add(name)
            if name not in claimed or claim(claimed[name], tried, fitting=fitting):
                claimed[name] = entry
                return True
        return False

    left = [entry for entry in unexplained(history, dump) if not claim(entry, set(), fitting=True)]
    for entry in left:
        claim(entry, set(), fitting=False)
    return claimed


def _fits(commit: Commit, entry: LoggedCommit) -> bool:
    """Whether the guards of ``commit`` on what ``entry`` changed name what stood there."""
    stood = {change.key: change.previous for change in entry.changes}
    return all(
        stood[key] == argument for kind, key, argument in commit.guards if kind in ("at", "absent") and key in stood
    )


def unexplained(history: History, dump: Dump) -> list[LoggedCommit]:
    """The entries that are neither an acknowledged commit's nor the expiry of a record."""
    named = {commit.commit for commit in history.commits if commit.outcome == "done" and not commit.repeated}
    return [e for e in dump.log if e.commit not in named and any(change.operation != "x" for change in e.changes)]


def by_author_and_write(commits: Iterable[Commit]) -> dict[tuple[str, str, str], list[Commit]]:
    """``commits`` by author, key and mark of each write."""
    found: dict[tuple[str, str, str], list[Commit]] = defaultdict(list)
    for commit in commits:
        for key, mark in commit.writes:
            found[commit.author, key, mark].append(commit)
    return found


def candidates(commits: dict[tuple[str, str, str], list[Commit]], entry: LoggedCommit) -> list[Commit]:
    """Those of ``commits`` that may have written ``entry``: it holds what they wrote, but for what changed nothing."""
    changes = {(change.key, change.mark) for change in entry.changes}
    first = entry.changes[0]
    found = [c for c in commits.get((entry.author, first.key, first.mark), ()) if changes <= set(c.writes)]
    return sorted(found, key=lambda commit: len(commit.writes))
