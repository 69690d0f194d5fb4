"""The orders of people: given on a board, whether a controller leads it or not, and taken back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from blackboard import exit_codes
from blackboard.commit import Absent, At, Put
from blackboard.control_records import ACTIVATIONS, AGENTS, OVERRIDES
from blackboard.control_shapes import checked, sound
from blackboard.errors import NothingSelected, UsageError
from blackboard.pattern import Pattern
from blackboard.record import Stamp
from controller.activation import FINAL
from controller.ordering import override_id, override_of, scope_of
from controller.supervision import HUMAN
from knowledge_sources.nearest import did_you_mean

if TYPE_CHECKING:
    from blackboard.board import Board
    from blackboard.control_records import Override
    from blackboard.record import Record
    from knowledge_sources.orders import Order

IN_FORCE: Final = ("open", "standing")
"""an order of these can still be taken back"""
JUDGED_WITHIN_S: Final = 5.0
"""A controller that leads judges an order within a moment; nobody waits longer for it."""


class NotHeeded(UsageError):
    """An order that was refused, or that cannot be taken back any more."""

    exit_code = exit_codes.FAILED


async def give(board: Board, order: Order, by: str) -> str:
    """Write ``order`` as that of the person ``by``; returns its key.

    Raises :class:`NothingSelected` where its scope names an agent, capability or activation that is not there.
    """
    await _check_known(board, order)
    now_ms = board.store.server_now_ms()
    override = override_of(order, author=f"{HUMAN}/{by}", about="", now_ms=now_ms)
    key = OVERRIDES + override_id(override, now_ms)
    await board.commit([Absent(key)], [Put(key, override)], stamp=await _stamp(board, override))
    return key


async def judged(board: Board, key: str, *, led: bool) -> Override:
    """The order at ``key``; where a controller leads, once that has judged it, or :data:`JUDGED_WITHIN_S` have passed."""
    record: Record[Any] | None
    try:
        async with asyncio.timeout(JUDGED_WITHIN_S if led else 0):
            replica = await board.replica()
            record = await replica.first(Pattern.parse(f'{key} where status != "open"'))
    except TimeoutError:
        record = await board.get(key)
    if record is None:
        raise NothingSelected(f"the order {key.removeprefix(OVERRIDES)} is gone from board {board.name}")
    override: Override = record.fresh().value
    return override


async def orders_on(board: Board) -> list[Record[Any]]:
    """Every order of ``board`` as it stands, in the order in which they were last written."""
    return sorted(sound(await board.find(f"{OVERRIDES}**")), key=lambda record: record.revision)


async def revoke(board: Board, given: Record[Any], by: str, reason: str) -> Override:
    """Take back an order that is open or stands; raises :class:`NotHeeded` where it is neither."""
    override: Override = given.fresh().value
    name = given.key.removeprefix(OVERRIDES)
    if override["status"] not in IN_FORCE:
        told = override.get("outcome", "")
        raise NotHeeded(f"the order {name} is {override['status']} and cannot be taken back: {told}")
    author = f"{HUMAN}/{by}"
    override["status"], override["ended_by"] = "revoked", author
    override["outcome"] = f"{author} revoked it: {reason}"
    await board.commit(
        [At(given.key, given.commit)], [Put(given.key, override)], stamp=await _stamp(board, override, author)
    )
    return override


async def activation_named(board: Board, text: str) -> str:
    """The id of the activation that ``text`` is, or is the only beginning of; one without a record is taken as it is.

    Raises :class:`UsageError` where it could be several.
    """
    ids = [record.key.removeprefix(ACTIVATIONS) for record in await board.find(f"{ACTIVATIONS}*")]
    found = [one for one in ids if one.startswith(text)]
    if len(found) > 1 and text not in found:
        raise UsageError(f"{text!r} could be several activations: {', '.join(sorted(found)[:5])}")
    return found[0] if len(found) == 1 else text


async def _check_known(board: Board, order: Order) -> None:
    agents = {record.value["name"]: record.value for record in sound(await board.find(f"{AGENTS}*"))}
    capabilities = {one for agent in agents.values() for one in agent["capabilities"]}
    to = getattr(order, "to", "")
    for what, name, known in (
        ("agent", order.agent, agents),
        ("agent", to, agents),
        ("capability", order.capability, capabilities),
    ):
        if name and name not in known:
            raise NothingSelected(f"no {what} {name!r} on board {board.name}{did_you_mean(name, sorted(known))}")
    if order.activation and (record := await board.get(ACTIVATIONS + order.activation)) is not None:
        state = checked(record).value["state"]
        if state in FINAL:
            raise NotHeeded(f"{order.verb}: {record.value['agent']} for {record.value['case']} is {state} already")


async def _stamp(board: Board, override: Override, author: str = "") -> Stamp:
    """The stamp of an order: it belongs to the case that it is about, where that is one."""
    scope = scope_of(override)
    case = scope.get("case", "")
    if not case and scope.get("activation"):
        record = await board.get(ACTIVATIONS + scope["activation"])
        case = record.case if record is not None else ""
    return Stamp(author or override["author"], case=case)
