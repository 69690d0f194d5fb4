"""``blackboard why``."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from blackboard.commands.offers import record_keys
from blackboard.commands.target import Target, board_options, emit, open_board

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blackboard.board import Board
    from blackboard.console import SafeConsole
    from controller.provenance import CaseAccount, Explanation
    from controller.viewer.sentence import Sentence


@click.command("why")
@click.argument("key", required=False, shell_complete=record_keys)
@click.option(
    "--case",
    metavar="CASE",
    help="Tell all that was done for a case, by the key of its fed record.",
    shell_complete=record_keys,
)
@click.option("--depth", type=click.IntRange(0, 200), default=20, show_default=True, help="Levels of causes.")
@board_options
async def command(target: Target, *, key: str | None, case: str | None, depth: int) -> None:
    """Explain the record at KEY: who wrote it, why that one was chosen, who was not, and from what, to the fed record.

    Told from the records alone, whether a controller runs or not. A record that is not there is explained too:
    who removed it, or who was to write it and what became of that. A fed record is told as --case tells its case.

    \b
    Examples:
      blackboard why payment/R-1004
      blackboard why --case return/R-1004 -o json
    """
    from dataclasses import asdict

    from controller.viewer.why_text import account_lines, explanation_lines

    if (key is None) == (case is None):
        raise click.UsageError("Give a KEY or --case CASE, one of the two.")
    async with open_board(target) as board:
        explained = await _explained(board, key, depth) if key is not None else None
        if explained is not None and not _is_case(explained):
            document, lines = asdict(explained), explanation_lines(explained)
        else:
            told = await _told(board, case or key or "")
            document, lines = asdict(told), account_lines(told)
        document = {"board": board.name, **document}
    emit(target, document, lambda console: _render(console, lines))


def _is_case(explained: Explanation) -> bool:
    """Whether it is a fed record that is there: what one wants to know is what came of it."""
    origin = explained.origin
    return origin is not None and explained.there and origin.case == explained.key and origin.by is None


async def _explained(board: Board, key: str, depth: int) -> Explanation:
    from blackboard.errors import NothingSelected
    from blackboard.keys import region_of
    from controller.provenance import explain
    from controller.recollection import Recollection
    from knowledge_sources.nearest import did_you_mean

    explained = explain(await Recollection(board).of_record(key, depth), key, depth)
    if not explained.known:
        near = did_you_mean(key, [record.key for record in await board.find(f"{region_of(key)}/*")])
        may = f"; it may be written by {', '.join(explained.writers)}" if explained.writers else ""
        raise NothingSelected(f"no record at {key!r} on board {board.name}, now or in its log{may}{near}")
    return explained


async def _told(board: Board, case: str) -> CaseAccount:
    from blackboard.errors import NothingSelected
    from controller.cases import nearest_case
    from controller.provenance import account
    from controller.recollection import Recollection

    told = account(await Recollection(board).of_case(case), case)
    if told.fed is None and not told.steps:
        raise NothingSelected(f"no case {case!r} on board {board.name}{await nearest_case(board, case)}")
    return told


def _render(console: SafeConsole, sentences: Iterable[Sentence]) -> None:
    """Write the lines; one that is too long for the terminal goes on under its own beginning."""
    import textwrap

    from blackboard.console import shown
    from blackboard.terminal import sanitize

    for sentence in sentences:
        text = sanitize(sentence.text)
        indent = " " * (len(text) - len(text.lstrip(" ")) + 2)
        width = max(console.width, len(indent) + 20)
        for part in textwrap.wrap(text, width, subsequent_indent=indent, break_on_hyphens=False) or [""]:
            console.print(shown(part))
