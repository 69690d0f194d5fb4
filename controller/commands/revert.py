"""``blackboard revert``: undo what was done for a case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from blackboard.commands.target import Target, board_options, emit, open_board

if TYPE_CHECKING:
    from blackboard.console import SafeConsole
    from controller.reverting import Undoing


@click.command("revert")
@click.option(
    "--case", metavar="CASE", default="", help="All that was done for this case, by the key of its fed record."
)
@click.option("--activation", metavar="ID", default="", help="Only what this activation did; its beginning is enough.")
@click.option("--reason", required=True, help="Kept with what is undone.")
@click.option("--by", metavar="NAME", help="Who undoes it; default: your user name.")
@click.option("--dry-run", is_flag=True, help="Only say what would be undone, in which order.")
@click.option("--force-restore", is_flag=True, help="Put back as it was what has no compensation.")
@board_options
async def command(
    target: Target, *, case: str, activation: str, reason: str, by: str | None, dry_run: bool, force_restore: bool
) -> None:
    """Undo what was done for a case: post the compensation of each contribution, the latest first.

    Each is a commit of its own that names what it undoes; what was undone is not undone again. Where one has no
    compensation nothing is undone, with exit code 1, unless --force-restore puts the records back that still are as
    they were written. It needs no controller; one that leads the board fires whoever watches the compensations.

    \b
    Examples:
      blackboard revert --case order/O-7 --reason "the customer changed her mind" --dry-run
      blackboard revert --case order/O-7 --reason "the customer changed her mind"
    """
    from blackboard.user_name import user_name
    from controller.commands.questions import going_on
    from controller.reverting import carry_out, plan_revert

    if not case and not activation:
        raise click.UsageError("Say what is to be undone: --case CASE or --activation ID.")
    async with open_board(target) as board:
        plan = await plan_revert(board, case=case, activation=activation, restore=force_restore)
        carried = [] if dry_run else await carry_out(board, plan, by=by or user_name(), reason=reason)
        go_on = await going_on(board, target) if carried else ""
    steps = plan.steps if dry_run else carried
    document = {
        "board": board.name,
        "dry_run": dry_run,
        "steps": [step._asdict() for step in steps],
        "under_way": list(plan.under_way),
        "next": go_on,
    }
    emit(target, document, lambda console: _render(console, list(steps), document))


def _render(console: SafeConsole, steps: list[Undoing], document: dict[str, Any]) -> None:
    from blackboard.console import shown, table

    if not steps:
        console.print(shown("there is nothing to undo" + ("" if document["dry_run"] else " any more")))
    else:
        rows = [
            (number, step.agent, ", ".join(step.wrote), step.commit, _what(step, dry_run=document["dry_run"]))
            for number, step in enumerate(steps, 1)
        ]
        console.print(table(("", "agent", "wrote", "commit", "undone by"), rows))
    if document["under_way"]:
        agents = ", ".join(sorted(set(document["under_way"])))
        console.print(shown(f"still under way for it: {agents}; what they do from now on is not undone"))
    if document["next"]:
        console.print(shown(f"nobody leads board {document['board']}; to go on: {document['next']}"))


def _what(step: Undoing, *, dry_run: bool) -> str:
    keys = ", ".join(step.posted)
    if step.done and dry_run:
        return f"done already: {keys}"
    if step.how == "not at all":
        return "nothing: it has no compensation"
    return f"writing {keys}" if step.how == "compensated" else f"putting back {keys}"
