"""``blackboard override``: give an order, list those that were given, take one back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from blackboard.commands.target import Target, board_options, emit, open_board

if TYPE_CHECKING:
    from collections.abc import Callable

    from blackboard.console import SafeConsole
    from knowledge_sources.orders import Order


@click.group("override")
def command() -> None:
    """Order what becomes of activations: force, hold, boost, veto, cancel, extend, decide, reassign.

    \b
    An order is about whatever fits all that it names: --agent, --capability, --case, --activation, --pattern.
    Force, hold, boost and veto stand, for what is there and for what comes, until --for is over or 'revoke'.
    It is kept with author and reason, and heeded at once where a controller leads the board, else by the next.

    \b
    Examples:
      blackboard override hold --agent gateway --for 10m --reason "the bank is down"
      blackboard override force --case return/R-1004 --reason "the customer is on the phone"
      blackboard override list
    """


def _ordering(*, lasts: bool) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """The options that all orders have, and ``--for`` where they can last."""
    options = [
        click.option("--agent", metavar="NAME", default="", help="About work of this agent."),
        click.option("--capability", metavar="NAME", default="", help="About work of agents with this capability."),
        click.option("--case", metavar="CASE", default="", help="About work for this case, the key of its fed record."),
        click.option("--activation", metavar="ID", default="", help="About this activation; its beginning is enough."),
        click.option("--pattern", metavar="PATTERN", default="", help="About what a record that fits this sets off."),
        click.option("--reason", required=True, help="Kept with the order and shown with what it did."),
        click.option("--by", metavar="NAME", help="Who orders it; default: your user name."),
    ]
    if lasts:
        options.append(
            click.option("--for", "lasts", metavar="TIME", default="", help="How long it stands: 30s, 10m, 2h.")
        )

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        wrapped: Callable[..., Any] = board_options(function)
        for option in reversed(options):
            wrapped = option(wrapped)
        return wrapped

    return decorate


@command.command("force")
@_ordering(lasts=True)
async def force(target: Target, **given: Any) -> None:
    """Fire it next, before all others, however low its level, past its backoff.

    It waits for a free place, for its records, and for budgets as others do.

    \b
    Example:
      blackboard override force --case return/R-1004 --reason "the customer is on the phone"
    """
    from knowledge_sources.orders import Force

    await _give(target, given, Force)


@command.command("hold")
@_ordering(lasts=True)
async def hold(target: Target, **given: Any) -> None:
    """Keep it from firing: it stays pending, and is not late meanwhile.

    \b
    Example:
      blackboard override hold --agent gateway --for 10m --reason "the bank is down"
    """
    from knowledge_sources.orders import Hold

    await _give(target, given, Hold)


@command.command("boost")
@click.option("--points", type=float, default=0.0, help="Added to the score; below 0 it goes later.")
@click.option("--level", metavar="LEVEL", default="", help="The priority level at which it competes.")
@_ordering(lasts=True)
async def boost(target: Target, **given: Any) -> None:
    """Let it go sooner, or later, by points or at another level.

    \b
    Example:
      blackboard override boost --pattern 'return/* where tier == "gold"' --points 20 --reason "gold first"
    """
    from knowledge_sources.orders import Boost

    await _give(target, given, Boost)


@command.command("veto")
@_ordering(lasts=True)
async def veto(target: Target, **given: Any) -> None:
    """Forbid it: what is pending is ended before it runs, and what comes while the order stands as well.

    \b
    Example:
      blackboard override veto --capability refund --for 1h --reason "an audit is on"
    """
    from knowledge_sources.orders import Veto

    await _give(target, given, Veto)


@command.command("cancel")
@_ordering(lasts=False)
async def cancel(target: Target, **given: Any) -> None:
    """End what is there now, running or not, without a contribution.

    \b
    Example:
      blackboard override cancel --case return/R-1004 --reason "the customer has withdrawn"
    """
    from knowledge_sources.orders import Cancel

    await _give(target, given, Cancel)


@command.command("extend")
@click.option("--for", "by_time", metavar="TIME", required=True, help="How much more time, from now: 30s, 10m, 2h.")
@_ordering(lasts=False)
async def extend(target: Target, by_time: str, **given: Any) -> None:
    """Give it more time before its supervisors are asked.

    \b
    Example:
      blackboard override extend --agent gateway --for 10m --reason "the bank is slow today"
    """
    from functools import partial

    from knowledge_sources.orders import Extend

    await _give(target, given, partial(Extend, by_time))


@command.command("decide")
@click.option("--value", metavar="VALUE", required=True, help="What is contributed: JSON, or a text as it is.")
@click.option("--key", metavar="KEY", default="", help="Where, if the agent contributes to several keys.")
@_ordering(lasts=False)
async def decide(target: Target, value: str, **given: Any) -> None:
    """Contribute in the place of the agent, held to what it may write and to its 'unless'.

    VALUE is JSON where it begins with {, [ or ", or is a number, true, false or null, and refused where it is none
    then; anything else is a text, as 'blackboard post' takes it.

    \b
    Example:
      blackboard override decide --activation 3b660f1c --value '{"amount": 20}' --reason "store credit"
    """
    from functools import partial

    from blackboard.typed_value import parse_value
    from knowledge_sources.orders import Decide

    await _give(target, given, partial(Decide, parse_value(value, place="--value")))


@command.command("reassign")
@click.option("--to", metavar="AGENT", required=True, help="Another agent of the same capability.")
@_ordering(lasts=False)
async def reassign(target: Target, to: str, **given: Any) -> None:
    """End it, and let another agent of the capability go next on the same records.

    \b
    Example:
      blackboard override reassign --activation 3b660f1c --to refund_b --reason "refund_a is stuck"
    """
    from functools import partial

    from knowledge_sources.orders import Reassign

    await _give(target, given, partial(Reassign, to))


@command.command("list")
@click.option("--all", "every", is_flag=True, help="Those that were applied, refused, expired or revoked too.")
@board_options
async def list_(target: Target, *, every: bool) -> None:
    """List the orders that stand or wait for a controller, the oldest first.

    \b
    Example:
      blackboard override list --all -o jsonl
    """
    from controller.commands.order_view import document_of, render_orders
    from controller.giving import orders_on
    from controller.ordering import IN_FORCE

    async with open_board(target) as board:
        found = [record for record in await orders_on(board) if every or record.value["status"] in IN_FORCE]
        documents = [document_of(record) for record in found]
        none = f"no order {'was given' if every else 'stands or waits'} on board {board.name}"
    emit(target, documents, lambda console: render_orders(console, documents, none, every=every))


@command.command("revoke")
@click.argument("order", metavar="ID")
@click.option("--reason", required=True, help="Kept with the order.")
@click.option("--by", metavar="NAME", help="Who takes it back; default: your user name.")
@board_options
async def revoke(target: Target, *, order: str, reason: str, by: str | None) -> None:
    """Take back the order ID, which may be its beginning. What it did stays done; what it held is let go.

    \b
    Example:
      blackboard override revoke 3b660f1c --reason "the bank is back"
    """
    from blackboard.user_name import user_name
    from controller.commands.order_view import choose, document_of
    from controller.giving import orders_on
    from controller.giving import revoke as take_back

    _check_said(reason, by)
    async with open_board(target) as board:
        given = choose(await orders_on(board), order, board.name)
        override = await take_back(board, given, by or user_name(), reason)
        document = {**document_of(given), **override, "board": board.name}
    emit(target, document, lambda console: _say(console, f"{document['id']}: {override['outcome']}"))


async def _give(target: Target, given: dict[str, Any], make: Callable[..., Order]) -> None:
    """Give the order that ``make`` makes of what was typed, and tell what came of it."""
    from blackboard.user_name import user_name
    from controller.commands.order_view import outcome_of
    from controller.commands.questions import going_on
    from controller.giving import NotHeeded, activation_named
    from controller.giving import order as give_order

    by = given.pop("by")
    _check_said(given["reason"], by)
    async with open_board(target) as board:
        if given["activation"]:
            given["activation"] = await activation_named(board, given["activation"])
        order = _made(make, given)
        name, override, led = await give_order(board, order, by or user_name())
        go_on = "" if led else await going_on(board, target)
    if override["status"] == "refused":
        raise NotHeeded(override.get("outcome", ""))
    document = {"board": board.name, "id": name, **override, "next": go_on}
    emit(target, document, lambda console: _say(console, outcome_of(name, override, board.name, go_on)))


def _made(make: Callable[..., Order], given: dict[str, Any]) -> Order:
    try:
        order = make(**given)
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    if not order.scope:
        raise click.UsageError("Say what it is about: --agent, --capability, --case, --activation or --pattern.")
    return order


def _check_said(reason: str, by: str | None) -> None:
    from controller.giving import check_name

    if not reason.strip():
        raise click.UsageError("--reason: an order needs one; it is kept with it.")
    if by is not None:
        check_name(by)


def _say(console: SafeConsole, text: str) -> None:
    from blackboard.console import shown

    console.print(shown(text, keep="\n"))
