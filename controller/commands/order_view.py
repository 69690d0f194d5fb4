"""Orders as a person reads them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blackboard.commands.record_view import instant, short_value
from blackboard.control_records import OVERRIDES
from blackboard.errors import NothingSelected, UsageError
from blackboard.wording import seconds
from controller.ordering import scope_of
from controller.short_ids import short_ids

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from blackboard.console import SafeConsole
    from blackboard.record import Record


def choose(orders: Sequence[Record[Any]], text: str, board: str) -> Record[Any]:
    """The order whose id is ``text``, or begins with it; raises :class:`NothingSelected` and :class:`UsageError`."""
    text = text.removeprefix(OVERRIDES)
    found = [one for one in orders if one.key.removeprefix(OVERRIDES) == text]
    found = found or [one for one in orders if text and one.key.removeprefix(OVERRIDES).startswith(text)]
    if not found:
        raise NothingSelected(f"no order {text!r} on board {board}; 'blackboard override list --all' lists them")
    if len(found) > 1:
        ids = ", ".join(one.key.removeprefix(OVERRIDES) for one in found[:5])
        raise UsageError(f"{text!r} could be several orders: {ids}")
    return found[0]


def document_of(order: Record[Any]) -> dict[str, Any]:
    """An order under stable names."""
    value = order.value
    return {"id": order.key.removeprefix(OVERRIDES), **value, "scope": dict(scope_of(value)), "commit": order.commit}


def render_orders(console: SafeConsole, documents: Sequence[dict[str, Any]], none: str, *, every: bool) -> None:
    """A table of orders; with ``every`` also of what came of them."""
    from blackboard.console import shown, table

    if not documents:
        console.print(shown(none))
        return
    short = short_ids([one["id"] for one in documents])
    columns = ["id", "order", "about", "by", "reason", "status"] + (["outcome"] if every else [])
    rows = []
    for one in documents:
        row = [short[one["id"]], _order(one), about(one["scope"]), one["author"], one["reason"], _status(one)]
        rows.append([*row, one.get("outcome", "")] if every else row)
    console.print(table(columns, rows))


def about(scope: Mapping[str, Any]) -> str:
    """What an order is about, in words."""
    return ", ".join(f"{part} {text}" for part, text in scope.items()) or "nothing"


def outcome_of(name: str, override: Mapping[str, Any], board: str, go_on: str) -> str:
    """What came of an order that was just given."""
    if override["status"] == "open":
        if go_on:
            return f"{name}: nobody leads board {board}, so it waits for who does; to go on: {go_on}"
        return f"{name}: given, and not judged yet; 'blackboard override list' shows it"
    until = f"; it stands until {instant(override['expires_ms'])}" if "expires_ms" in override else ""
    until = until or "; it stands until it is revoked"
    return f"{name}: {override.get('outcome', '')}{until if override['status'] == 'standing' else ''}"


def _order(one: Mapping[str, Any]) -> str:
    words = [one["verb"]]
    if "points" in one:
        words.append(f"{one['points']:+g} points")
    if "level" in one:
        words.append(f"at level {one['level']}")
    if "to" in one:
        words.append(f"to {one['to']}")
    if "by_ms" in one:
        words.append(f"by {seconds(one['by_ms'])}")
    if "value" in one:
        words.append(short_value(one["value"]))
    return " ".join(words)


def _status(one: Mapping[str, Any]) -> str:
    until = f" until {instant(one['expires_ms'])}" if "expires_ms" in one and one["status"] == "standing" else ""
    return f"{one['status']}{until}"
