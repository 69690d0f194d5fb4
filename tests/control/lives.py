"""The lives of activations as the log tells them, and what must hold of each, whatever the controller thought.

Nothing here asks the controller: the log is read from its beginning, and counted anew.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, NamedTuple

from blackboard.control_records import ACTIVATIONS
from blackboard.keys import CONTROL_REGION, region_of
from blackboard.log import entries_after
from controller.activation import FINAL, TRANSITIONS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from blackboard.board import Board
    from blackboard.control_records import Activation, State
    from blackboard.log import Entry


AT_ONCE = {("held", "escalated")}
"""Two steps of the table that one commit takes without an order: what was held back as stalled goes to a person."""


class Moment(NamedTuple):
    """One writing of one activation's record; ``contributed`` are the domain keys that the same commit wrote for it."""

    commit: str
    activation: str
    record: Activation | None
    """``None`` where a commit writes for an activation and not the activation: an oracle finds that"""
    contributed: tuple[str, ...]


async def moments_of(board: Board) -> list[Moment]:
    """Every writing of an activation, in the order of the log."""
    return [moment async for entry in entries_after(board.store, 0) for moment in _moments(entry)]


def _moments(entry: Entry) -> Iterator[Moment]:
    wrote: dict[str, list[str]] = defaultdict(list)
    for change in entry.changes:
        record = change.record
        if record is not None and record.activation and region_of(change.key) != CONTROL_REGION:
            wrote[record.activation].append(change.key)
    for change in entry.changes:
        if change.key.startswith(ACTIVATIONS) and change.record is not None:
            activation = change.key.removeprefix(ACTIVATIONS)
            yield Moment(entry.commit, activation, change.record.value, tuple(wrote.pop(activation, ())))
    for activation, keys in wrote.items():
        yield Moment(entry.commit, activation, None, tuple(keys))


def violations(moments: Sequence[Moment], *, max_running: int | None = None) -> list[str]:
    """What is wrong in these lives; ``max_running`` bounds how many ordinary activations run side by side."""
    return [
        *illegal_steps(moments),
        *fired_twice(moments),
        *contributed_twice(moments),
        *([] if max_running is None else too_many_at_once(moments, max_running)),
    ]


def illegal_steps(moments: Iterable[Moment]) -> list[str]:
    """Each step is one of the table, or the way that an order takes through it in one commit; what is final stays."""
    state: dict[str, State] = {}
    found = []
    for moment in moments:
        record = moment.record
        if record is None:
            continue
        before, after = state.get(moment.activation, "pending"), record["state"]
        legal = TRANSITIONS[before] | ({"pending"} if moment.activation not in state else set())
        if before in ("running", "proposed"):  # a call that fails for good goes on from there in the same commit
            legal |= TRANSITIONS["failed"]
        ordered = "decided_by" in record and after in _beyond(before)
        if after not in legal and before != after and not ordered and (before, after) not in AT_ONCE:
            found.append(f"{moment.activation} went from {before} to {after} in {moment.commit}")
        if before in FINAL and after != before:
            found.append(f"{moment.activation} left its end {before} for {after} in {moment.commit}")
        state[moment.activation] = after
    return found


def _beyond(before: State) -> set[State]:
    """Where an order may take an activation in one commit."""
    reach: set[State] = {before}
    while (further := reach | {after for state in reach for after in TRANSITIONS[state]}) != reach:
        reach = further
    return reach


def fired_twice(moments: Iterable[Moment]) -> list[str]:
    """No agent has two activations on the same captures and commits, and no call of an activation starts twice.

    What an activation wrote may be withdrawn with its causes; then, and only then, there may be one more.
    """
    names: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    starts: Counter[tuple[str, int, int]] = Counter()
    previous: dict[str, str] = {}
    handed_back: Counter[str] = Counter()
    found: list[str] = []
    for moment in moments:
        record = moment.record
        if record is None:
            continue
        triggers = tuple(sorted(tuple(trigger) for trigger in record["triggers"]))
        named = names[record["agent"], tuple(sorted(record["captures"].items())), triggers]
        if "withdrawn" in record:
            named.discard(moment.activation)
        elif moment.activation not in named:
            named.add(moment.activation)
            if len(named) > 1:
                found.append(f"{record['agent']} has {sorted(named)} on {triggers}")
        before = previous.get(moment.activation, "pending")
        if record["state"] == "running" and before != "running":
            starts[moment.activation, record["attempt"], handed_back[moment.activation]] += 1
        if before in ("running", "proposed") and record["state"] == "pending":
            handed_back[moment.activation] += 1
        previous[moment.activation] = record["state"]
    return found + [f"call {attempt} of {one} started {n} times" for (one, attempt, _), n in starts.items() if n > 1]


def contributed_twice(moments: Iterable[Moment]) -> list[str]:
    """What an activation writes is in one commit, and that commit ends it."""
    commits: dict[str, list[Moment]] = defaultdict(list)
    for moment in moments:
        if moment.contributed:
            commits[moment.activation].append(moment)
    found = []
    for activation, wrote in commits.items():
        if len(wrote) > 1:
            found.append(f"{activation} contributed in {[one.commit for one in wrote]}")
        found += [f"{activation} wrote in {one.commit}, which does not end it" for one in wrote if not _ends(one)]
    return found


def _ends(moment: Moment) -> bool:
    return moment.record is not None and moment.record["state"] == "executed"


def too_many_at_once(moments: Iterable[Moment], most: int) -> list[str]:
    """So many ordinary activations run side by side at most; those of supervisors do not count."""
    running: set[str] = set()
    for moment in moments:
        record = moment.record
        if record is None or any(key.startswith("control/attention/") for _, key, _ in record["triggers"]):
            continue
        if record["state"] == "running":
            running.add(moment.activation)
        else:
            running.discard(moment.activation)
        if len(running) > most:
            return [f"{len(running)} activations run at {moment.commit}, where {most} may"]
    return []
