"""What passes from one controller to the next: work that was running, waiting to be tried again, or is handed back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, NamedTuple

from blackboard.control_records import ACTIVATIONS, ATTENTION, BREAKERS, OVERRIDES
from blackboard.control_shapes import checked
from blackboard.keys import CONTROL_REGION
from blackboard.log import Change
from controller.activation import advance
from controller.aftermath import after_failure
from controller.budgets import Ledger
from controller.retracting import justification_of
from controller.stalling import Stalls

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.control_records import Activation
    from blackboard.record import Record
    from controller.desk import Desk
    from controller.firing import Firing
    from controller.overseer import Overseer


class Waiting(NamedTuple):
    """An activation that is not at its end, and the commit that wrote it."""

    activation: str
    record: Activation
    commit: str


async def take_over(desk: Desk, overseer: Overseer) -> list[Waiting]:
    """Take up what the board shows as undone: what was running is dead, for nobody else leads; the rest goes on.

    Rebuilds the ledger and what has stalled.  Returns what is to be tried again and what waits for a person,
    as it stands then.  Raises :class:`Corrupt` for a record that the runtime does not write.
    """
    control = sorted(map(checked, desk.replica.region(CONTROL_REGION).values()), key=lambda record: record.revision)
    activations = [record for record in control if record.key.startswith(ACTIVATIONS)]
    started_ms = desk.ledger.started_ms or desk.steady_ms()
    desk.ledger = Ledger.rebuild(
        ((record.key.removeprefix(ACTIVATIONS), record.value) for record in activations), started_ms=started_ms
    )
    left = [(record.key.removeprefix(BREAKERS), record.value) for record in control if record.key.startswith(BREAKERS)]
    if left or desk.breakers.machines:
        told = ((record.key.removeprefix(ACTIVATIONS), record.value) for record in activations)
        desk.breakers.rebuild(left, told, desk.now_ms())
    for record in activations:
        desk.reserve.note(record.key.removeprefix(ACTIVATIONS), record.value)
    desk.stalls = Stalls.rebuild(
        desk.settings.stall,
        ((record.key.removeprefix(ACTIVATIONS), record.value) for record in activations),
        desk.sources,
    )
    for record in control:
        if record.key.startswith((ATTENTION, OVERRIDES)):
            overseer.changed(_standing(record))
            if record.key.startswith(OVERRIDES):
                overseer.resume(record)
    # Nobody saw the last one die; it was alive when it last wrote, and the time since is no agent's.
    last_ms = max((record.time_ms for record in activations), default=0)
    waiting = []
    for record in activations:
        justification = justification_of(record) if "supports" in record.value else None
        if justification is not None:
            desk.support.add(justification, desk.replica, known=False)
        state = record.value["state"]
        activation = record.key.removeprefix(ACTIVATIONS)
        if state == "running":
            buried = await _bury(desk, activation, record, last_ms)
            if buried is not None:
                waiting.append(buried)
        elif state in ("pending", "escalated", "proposed"):
            waiting.append(Waiting(activation, record.fresh().value, record.commit))
    return waiting


async def _bury(desk: Desk, activation: str, record: Record, last_ms: int) -> Waiting | None:
    """An activation whose worker was gone after ``last_ms``: a failed call, tried again or brought before somebody."""
    value: Activation = record.fresh().value
    source = desk.sources.get(value["agent"])
    if source is None:
        handed = advance(value, "pending", attempt=value["attempt"] - 1, reason=f"{value['agent']} is not here")
        await desk.write_over(activation, record.commit, handed, ())
        return None
    died = f"its worker {value['worker']} was gone before it ended"
    failed = advance(value, "failed")
    aftermath = after_failure(desk, source, activation, failed, failure="dead", error=died, cost=0.0, ended_ms=last_ms)
    commit = await desk.write_over(activation, record.commit, aftermath.record, aftermath.writes)
    return None if commit is None else Waiting(activation, aftermath.record, commit)


async def hand_back(desk: Desk, firings: Sequence[Firing]) -> None:
    """Give up what ran, so that it is pending again at once; that was no failed call.

    One that has ended meanwhile stays as it is: its record is no longer at the commit of its dispatch.
    """
    given = []
    for firing in firings:
        record = firing.record
        if record is not None and firing.dispatched:
            attempt, reason = record["attempt"] - 1, "handed back by a controller that stopped"
            back = advance(record, "pending", attempt=attempt, reason=reason)
            given.append(desk.write_over(firing.activation, firing.commit, back, ()))
    await asyncio.gather(*given)


async def obviate(desk: Desk, activation: str, record: Activation, commit: str, change: Change | None) -> None:
    """End an activation that was to be tried again but whose triggers no longer hold."""
    reason = "what it was to work on has changed" if change is None else f"{change.key} has changed"
    ended = advance(record, "obviated", ended_ms=desk.now_ms(), reason=reason)
    if change is not None and change.author:
        ended["winner"] = change.author
    await desk.write_over(activation, commit, ended, ())


async def pass_on(desk: Desk, activation: str, record: Activation, commit: str, *, heir: str, because: str) -> None:
    """Give up an activation that was to be tried again, so that ``heir`` goes on, or since that one has done it."""
    ended = advance(record, "obviated", ended_ms=desk.now_ms(), reason=because, passed_to=heir)
    await desk.write_over(activation, commit, ended, ())


def _standing(record: Record) -> Change:
    return Change(record.key, "put", record.commit, record.revision, record.time_ms, record.author, record, "")
