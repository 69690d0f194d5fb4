"""What readers of changes were given and what replicas showed, held against the log."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tests.proof.history import Event, Told
from tests.proof.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.proof.history import Shown
    from tests.proof.run import Run


def readers(run: Run) -> list[Violation]:
    """Every reader of changes was given each change once, in order, from where it began to where it stopped.

    It begins again after a gap or a lost history that it was told of.
    """
    streams: dict[str, list[Told | Event]] = defaultdict(list)
    for told in run.history.told:
        streams[told.client].append(told)
    for event in run.history.events:
        if event.what == "reads":
            streams[event.client].append(event)
    found = []
    for client, items in streams.items():
        items.sort(key=lambda item: item.number)
        for since, stretch in _stretches(items):
            found += [f"{client}, reading after {since}, {reason}" for reason in _broken(run, since, stretch)]
    return [Violation("readers", sentence) for sentence in found]


def _stretches(items: list[Told | Event]) -> Iterator[tuple[int, list[Told]]]:
    since = 0
    told: list[Told] = []
    for item in items:
        if isinstance(item, Event):
            if told:
                yield since, told
            since, told = int(item.detail), []
        else:
            told.append(item)
    if told:
        yield since, told


def _broken(run: Run, since: int, told: list[Told]) -> Iterator[str]:
    """The first thing that is wrong with a stretch; what follows it would only follow from it."""
    groups: list[tuple[str, list[tuple[str, str]]]] = []
    for change in told:
        if not groups or groups[-1][0] != change.commit:
            groups.append((change.commit, []))
        groups[-1][1].append((change.key, change.mark))
    for place, (commit, changes) in enumerate(groups):
        revision = int(commit.partition("-")[2])
        if revision != since + place + 1:
            yield f"was given {commit} as the {place + 1}th commit"
            return
        entry = run.entries.get(commit)
        if entry is None:
            if not run.lost(commit) and not run.trimmed(commit):
                yield f"was given {commit}, which is not in the log"
                return
            continue
        logged = [(change.key, change.mark) for change in entry.changes]
        if changes != (logged if place + 1 < len(groups) else logged[: len(changes)]):
            yield f"was given {commit} with {changes}, and the log holds {logged}"
            return


def replicas(run: Run) -> list[Violation]:
    """Every replica showed exactly the records that stood after the revision that it told."""
    found = []
    for shown in run.history.shown:
        if shown.revision >= run.dump.horizon:
            found += [f"the replica of {shown.client} {reason}" for reason in _differences(run, shown)]
    return [Violation("replicas", sentence) for sentence in found]


def _differences(run: Run, shown: Shown) -> Iterator[str]:
    records = dict(shown.records)
    stood = {key: line.at(shown.revision) for key, line in run.timelines.items() if key[-1] != "/"}
    if shown.revision > run.dump.revision:
        yield f"shows revision {shown.revision}, and the head is {run.dump.revision}"
    for key in sorted(records.keys() | stood.keys()):
        if records.get(key, "") != stood.get(key, ""):
            yield f"shows {records.get(key) or 'nothing'} at {key}; after {shown.revision} stood {stood.get(key) or 'nothing'}"
