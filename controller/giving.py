"""The orders of people: given on a board, whether a controller leads it or not, and taken back."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from blackboard import exit_codes
from blackboard.commit import Absent, At, Put
from blackboard.control_records import ACTIVATIONS, AGENTS, OVERRIDES, RUN
from blackboard.control_shapes import checked, sound
from blackboard.errors import NothingSelected, UsageError
from blackboard.pattern import Pattern
from blackboard.record import Stamp
from controller.activation import FINAL
from controller.agenda_view import parse_agenda
from controller.cases import is_case, nearest_case
from controller.leadership import is_led
from controller.ordering import IN_FORCE, override_id, override_of, scope_of
from controller.overrides import STANDING_WHERE_WIDE
from controller.settings import levels_of_run
from controller.supervision import HUMAN
from knowledge_sources.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blackboard.board import Board
    from blackboard.control_records import Override
    from blackboard.record import Record
    from knowledge_sources.orders import Order

ID_LENGTH: Final = 24
"""of a whole id of an activation"""
JUDGED_WITHIN_S: Final = 5.0
"""A controller that leads judges an order within a moment; nobody waits longer for it."""


class NotHeeded(UsageError):
    """An order that was refused, or that cannot be taken back any more."""

    exit_code = exit_codes.FAILED


class Given(NamedTuple):
    """An order as it was given, and what has come of it; ``led``: somebody leads the board, and judges it."""

    id: str
    override: Override
    led: bool


async def order(board: Board, wanted: Order, by: str) -> Given:
    """Give ``wanted`` as that of the person ``by``, and wait for what comes of it; raises as :func:`give` does."""
    return await outcome(board, await give(board, wanted, by))


async def outcome(board: Board, key: str) -> Given:
    """What has come of the order at ``key``; where a controller leads, it is given a moment to judge it."""
    led = await is_led(board)
    return Given(key.removeprefix(OVERRIDES), await judged(board, key, led=led), led)


def check_name(by: str) -> None:
    """Raise :class:`UsageError` where ``by`` is no name that a person can give orders by."""
    if not by.strip() or "/" in by:
        raise UsageError(f"{by!r} is no person's name: it is one word or more, without '/'")


async def give(board: Board, order: Order, by: str) -> str:
    """Write ``order`` as that of the person ``by``; returns its key.

    Raises :class:`UsageError` where it has no scope, and :class:`NothingSelected` where that names an agent,
    capability or activation that is not there, or the order a level that the run on the board does not have.
    """
    if not order.scope:
        raise UsageError("say what it is about: an activation, an agent, a capability, a case or a pattern")
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
    """The id of the activation that ``text`` is, or is the only beginning of, among those that ran or are on the agenda.

    A whole id is taken as it is: one that is pending need not be on the agenda yet.  Raises :class:`UsageError` where
    it could be several, and :class:`NothingSelected` where nothing begins so.
    """
    ids = {record.key.removeprefix(ACTIVATIONS) for record in await board.find(f"{ACTIVATIONS}*")}
    raw = await board.store.read("GET", board.store.keys.agenda)
    agenda = parse_agenda(raw) if raw is not None else None
    if agenda is not None:
        ids.update(one["activation"] for one in (*agenda["supervisors"], *agenda["pending"]))
    found = sorted(one for one in ids if one.startswith(text))
    if text in found or (not found and len(text) == ID_LENGTH):
        return text
    if len(found) > 1:
        raise UsageError(f"{text!r} could be several activations: {', '.join(found[:5])}")
    if not found:
        raise NothingSelected(f"no activation on board {board.name} begins with {text!r}")
    return found[0]


async def check_registered(board: Board, agents: Iterable[str], capabilities: Iterable[str] = ()) -> None:
    """Raise :class:`NothingSelected` where one of the names, but for empty ones, is none that is registered."""
    entries = {record.value["name"]: record.value for record in sound(await board.find(f"{AGENTS}*"))}
    provided = {one for entry in entries.values() for one in entry["capabilities"]}
    for what, names, known in (("agent", agents, entries.keys()), ("capability", capabilities, provided)):
        for name in names:
            if name and name not in known:
                raise NothingSelected(f"no {what} {name!r} on board {board.name}{did_you_mean(name, known)}")


async def _check_level(board: Board, level: str) -> None:
    """Where no scenario says which levels there are, the controller that judges the order does."""
    run = await board.get(RUN) if level else None
    levels = levels_of_run(checked(run).value) if run is not None else None
    if levels is not None and level not in levels:
        there = f"; there is {', '.join(levels)}"
        raise NothingSelected(f"no level {level!r} on board {board.name}{did_you_mean(level, levels) or there}")


async def _check_known(board: Board, order: Order) -> None:
    await check_registered(board, [order.agent, getattr(order, "to", "")], [order.capability])
    await _check_level(board, getattr(order, "level", ""))
    if order.case and order.verb not in STANDING_WHERE_WIDE and not await is_case(board, order.case):
        raise NothingSelected(f"no case {order.case!r} on board {board.name}{await nearest_case(board, order.case)}")
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
