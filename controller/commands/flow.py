"""``blackboard pause``, ``resume`` and ``step``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import click

from blackboard.commands.target import Target, board_options, emit, open_board

if TYPE_CHECKING:
    from collections.abc import Callable

    from blackboard.control_records import Flow


PAUSED: Final = "paused; 'step' dispatches the next one, 'resume' goes on"
RECOMMENDS: Final = (
    "waits for a word on each pick; 'step --accept' dispatches the one that is recommended, 'resume' goes on"
)


def said_by(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command ``--by`` and ``--reason``."""
    by = click.option("--by", metavar="NAME", help="Who says so; default: your user name.")
    return by(click.option("--reason", default="", help="Kept with it.")(command))


@click.command("pause")
@click.option("--recommend", is_flag=True, help="Let the controller say whom it would pick, and wait for a word.")
@said_by
@board_options
async def pause(target: Target, *, recommend: bool, by: str | None, reason: str) -> None:
    """Let nothing more be dispatched on a board; what runs goes on. It holds until 'resume', over restarts too.

    The run does not end while it is paused, but for its limit of time. What is late waits to be asked about.

    \b
    Examples:
      blackboard pause --reason "the gateway is being replaced"
      blackboard pause --recommend
    """
    from blackboard.user_name import user_name
    from controller.flow import Person, halt

    async with open_board(target) as board:
        flow = await halt(board, "recommend" if recommend else "paused", Person(by or user_name(), reason))
        _tell(target, board.name, flow, RECOMMENDS if recommend else PAUSED)


@click.command("resume")
@said_by
@board_options
async def resume(target: Target, *, by: str | None, reason: str) -> None:
    """Let the controller of a board go on by itself.

    \b
    Example:
      blackboard resume --board process_return@1
    """
    from blackboard.user_name import user_name
    from controller.flow import Person
    from controller.flow import resume as go_on

    async with open_board(target) as board:
        flow = await go_on(board, Person(by or user_name(), reason))
        _tell(target, board.name, flow, "goes on by itself")


@click.command("step")
@click.argument("count", type=click.IntRange(1, 1_000_000), default=1)
@click.option("--accept", is_flag=True, help="The one that is recommended, or none.")
@click.option("--choose", "activation", metavar="ACTIVATION", help="This one, whoever is before it.")
@said_by
@board_options
async def step(
    target: Target, *, count: int, accept: bool, activation: str | None, by: str | None, reason: str
) -> None:
    """Let COUNT activations be dispatched on a board that is paused, one after the other.

    A step is taken by a dispatch, and by nothing else: one that finds nobody eligible waits for the next who is.
    ACTIVATION may be the beginning of an id that the agenda shows.

    \b
    Examples:
      blackboard step 3
      blackboard step --accept
      blackboard step --choose 7ad6ab01 --reason "this customer is on the telephone"
    """
    from blackboard.user_name import user_name
    from controller.flow import Person
    from controller.flow import accept as accepted
    from controller.flow import choose as chosen
    from controller.flow import step as granted

    if (accept or activation) and (count != 1 or (accept and activation)):
        raise click.UsageError("COUNT, --accept and --choose are three ways: take one.")
    person = Person(by or user_name(), reason)
    async with open_board(target) as board:
        if accept:
            flow, told = await accepted(board, person)
            _tell(target, board.name, flow, f"granted: {told['agent']} for {told['case']}")
        elif activation:
            whole = await _pending(board, activation)
            flow = await chosen(board, whole, person)
            _tell(target, board.name, flow, f"granted: {whole}")
        else:
            flow = await granted(board, count, person)
            _tell(target, board.name, flow, f"granted: {flow['steps']} to be dispatched")


async def _pending(board: Any, beginning: str) -> str:
    """The id of the one pending activation that begins so; a whole id need not be on the agenda yet."""
    from blackboard.errors import NothingSelected
    from controller.commands.agenda import read_agenda
    from controller.giving import ID_LENGTH

    agenda = await read_agenda(board)
    known = [one["activation"] for one in (*agenda["supervisors"], *agenda["pending"])] if agenda is not None else []
    found = [one for one in known if one.startswith(beginning)]
    if len(found) > 1:
        raise click.UsageError(f"{beginning!r} begins {len(found)} ids on the agenda: write more of it.")
    if not found and len(beginning) < ID_LENGTH:
        raise NothingSelected(
            f"no pending activation begins with {beginning!r}: 'blackboard agenda' shows those there are"
        )
    return found[0] if found else beginning


def _tell(target: Target, board: str, flow: Flow, sentence: str) -> None:
    from blackboard.console import shown

    emit(target, {"board": board, **flow}, lambda console: console.print(shown(f"board {board}: {sentence}")))
