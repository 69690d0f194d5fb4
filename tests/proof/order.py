"""Whether what clients saw, and when, fits one order of the log: in the time of a sort.

The revisions fix the order of all commits that changed something, so that linearizability (Herlihy and Wing,
1990) need not be searched for: a commit takes effect at its revision, a read at some point between two, and
both between their start and their end.  Going through the operations by their start, each read is given the
earliest point that what ended before it and what it saw allow.  An earlier point never hinders a later
operation, so where this fails no order exists.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from tests.proof.history import NEVER
from tests.proof.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from tests.proof.history import Commit
    from tests.proof.run import Run
    from tests.proof.timeline import Timeline


class Step(NamedTuple):
    """One operation with a place in the order of the log."""

    name: str
    start_ns: int
    end_ns: int
    revision: int
    """of a commit that changed something; 0 of a read, and of a commit that was refused or changed nothing"""
    sees: tuple[tuple[str, str], ...]
    """key and the commit that stood there just before it, empty for nothing"""


def misordered(steps: Sequence[Step], timelines: Mapping[str, Timeline]) -> list[str]:
    """Why no order in real time explains ``steps``, a sentence for each that fits nowhere; empty where one does."""
    found = []
    ending = sorted(range(len(steps)), key=lambda n: steps[n].end_ns)
    places = [0] * len(steps)
    ended, floor, holder = 0, 0, -1
    for number in sorted(range(len(steps)), key=lambda n: steps[n].start_ns):
        step = steps[number]
        while steps[ending[ended]].end_ns < step.start_ns:
            place = places[ending[ended]]
            if place > floor:
                floor, holder = place, ending[ended]
            ended += 1
        fits = _place_of(step, floor, timelines)
        if fits is None:
            after = f", which began after {steps[holder].name} had ended" if holder >= 0 else ""
            found.append(f"{step.name}{after}, has no place from revision {floor} on: {_claim(step)}")
            fits = floor
        places[number] = fits
    return found


def _place_of(step: Step, floor: int, timelines: Mapping[str, Timeline]) -> int | None:
    """The earliest point from ``floor`` on at which ``step`` can have taken effect."""
    if step.revision:
        before = step.revision - 1
        if before < floor or any(timelines[key].at(before) != commit for key, commit in step.sees):
            return None
        return step.revision
    place, settled = floor, False
    while not settled:
        settled = True
        for key, commit in step.sees:
            following = timelines[key].next_with(commit, place)
            if following is None:
                return None
            if following > place:
                place, settled = following, False
    return place


def _claim(step: Step) -> str:
    saw = ", ".join(f"{commit or 'nothing'} at {key}" for key, commit in step.sees)
    parts = [f"it is revision {step.revision}"] if step.revision else []
    parts += [f"it met {saw}"] if saw else []
    return " and ".join(parts)


def order(run: Run) -> list[Violation]:
    """What each client was told fits the log in real time: no stale read, no conflict that was none."""
    steps = list(steps_of(run))
    for step in steps:
        for key, _ in step.sees:
            run.timelines[key]  # one of a key that the log does not know is made here
    return [Violation("order", sentence) for sentence in misordered(steps, run.timelines)]


def steps_of(run: Run) -> Iterator[Step]:
    """The operations of a run that have a place in its log; those on a history that was lost have none."""
    lost = run.lost_times()
    mortal = run.mortal({read.key for read in run.history.reads if not read.commit})
    for commit in run.history.commits:
        step = _step_of(run, commit)
        if step is not None and (step.revision or _outside(step, lost)):
            yield step
    for read in run.history.reads:
        if not read.key:
            continue
        sees = ((read.key, read.commit),)
        step = Step(f"read {read.number} of {read.client}", read.start_ns, read.end_ns, 0, sees)
        if (read.commit or read.key not in mortal) and _known(run, sees) and _outside(step, lost):
            yield step


def _step_of(run: Run, commit: Commit) -> Step | None:
    name = f"commit {commit.number} of {commit.client}"
    if commit.outcome == "unknown":
        entry = run.claims.get((commit.client, commit.number))
        return Step(name, commit.start_ns, NEVER, entry.revision, ()) if entry is not None else None
    if commit.repeated or (commit.commit and run.lost(commit.commit)):
        return None
    sees = _results_seen(commit) if commit.outcome == "done" else _refusal_seen(commit)
    revision = int(commit.commit.partition("-")[2]) if commit.commit else 0
    if not _known(run, sees) or (commit.outcome == "refused" and commit.error != "Conflict"):
        sees = ()
    if revision:
        return Step(name, commit.start_ns, commit.end_ns, revision, sees)
    return Step(name, commit.start_ns, commit.end_ns, 0, sees) if sees else None


def _results_seen(commit: Commit) -> tuple[tuple[str, str], ...]:
    """What an applied commit met at the keys where it changed nothing, and by its guards where it has no revision."""
    writes = zip(commit.writes, commit.results, strict=True)
    sees = [(key, stands) for (key, _), (stands, _, changed) in writes if not changed]
    if not commit.commit:
        sees += [(key, argument) for kind, key, argument in commit.guards if kind in ("at", "absent")]
    return tuple(sees)


def _refusal_seen(commit: Commit) -> tuple[tuple[str, str], ...]:
    """What a refused commit met: all its guards were judged at one moment."""
    failed = dict(commit.failures)
    sees = []
    for number, (kind, key, argument) in enumerate(commit.guards):
        if number not in failed:
            if kind in ("at", "absent"):
                sees.append((key, argument))
        elif kind == "unchanged":
            revision = failed[number].partition("-")[2]
            sees.append((key + "/", "" if revision == "0" else revision))
        elif kind != "previous":
            sees.append((key, failed[number]))
    return tuple(sees)


def _known(run: Run, sees: tuple[tuple[str, str], ...]) -> bool:
    """Whether all that was met is above the horizon and not of a history that was lost."""
    if run.dump.horizon and any(not commit or key[-1] == "/" for key, commit in sees):
        return False
    return not any("-" in commit and (run.lost(commit) or run.trimmed(commit)) for _, commit in sees)


def _outside(step: Step, times: list[tuple[int, int]]) -> bool:
    return not any(step.start_ns <= end and start <= step.end_ns for start, end in times)
