"""History that was lost with its server: who saw it was told, and nothing that rests on it was accepted."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tests.proof.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.proof.run import Run


def told_of_losses(run: Run) -> list[Violation]:
    """Every client that saw a commit that was lost was told so afterwards."""
    seen: dict[str, tuple[int, str]] = {}
    for client, at_ns, name in _seen(run):
        if at_ns > seen.get(client, (0, ""))[0] and run.lost(name):
            seen[client] = at_ns, name
    told: dict[str, int] = defaultdict(int)
    for commit in run.history.commits:
        if commit.error == "HistoryLost":
            told[commit.client] = max(told[commit.client], commit.end_ns)
    for event in run.history.events:
        if event.what == "lost":
            told[event.client] = max(told[event.client], event.at_ns)
    return [
        Violation("told_of_losses", f"{client} saw {name}, which was lost, and was not told")
        for client, (at_ns, name) in seen.items()
        if told[client] < at_ns
    ]


def _seen(run: Run) -> Iterator[tuple[str, int, str]]:
    """client, time and name of each commit that a client was told of"""
    for commit in run.history.commits:
        names = {commit.commit, *(name for name, _, _ in commit.results), *(name for _, name in commit.failures)}
        yield from ((commit.client, commit.end_ns, name) for name in names if name)
    yield from ((read.client, read.end_ns, read.commit) for read in run.history.reads if read.commit)
    yield from ((told.client, told.at_ns, told.commit) for told in run.history.told)


def void_guards(run: Run) -> list[Violation]:
    """No commit was applied that was guarded by a region as of a revision that was read in a lost history."""
    read: dict[tuple[str, str], list[tuple[int, str]]] = defaultdict(list)
    for one in run.history.reads:
        if not one.key:
            read[one.client, one.commit.partition("-")[2]].append((one.end_ns, one.commit))
    found = []
    for commit in run.history.commits:
        entry = run.entry_of(commit)
        for kind, region, since in commit.guards if entry is not None else ():
            if kind == "unchanged":
                names = {name for at_ns, name in read[commit.client, since] if at_ns <= commit.start_ns}
                if names and all(run.lost(name) for name in names):
                    found.append(
                        f"commit {commit.number} of {commit.client} was applied as {entry.commit if entry else ''}, guarded"
                        f" by {region} as of {since}, which it had read as {sorted(names)} in a history that was lost"
                    )
    return [Violation("void_guards", sentence) for sentence in found]
