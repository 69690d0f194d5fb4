"""``blackboard escalations``: list, show, answer."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from blackboard.commands.defaulting import DefaultingGroup
from blackboard.commands.offers import open_questions
from blackboard.commands.target import Target, board_options, emit, open_board

if TYPE_CHECKING:
    from blackboard.console import SafeConsole
    from blackboard.control_records import Proposal
    from blackboard.record import Record
    from controller.escalation import Answer


@click.group("escalations", cls=DefaultingGroup)
def command() -> None:
    """List the questions to people, show one, or answer it.

    \b
    Examples:
      blackboard escalations
      blackboard escalations answer return/R-1003 approve --reason "regular customer"
    """


@command.command("list")
@click.option("--all", "every", is_flag=True, help="The answered and stale ones too.")
@board_options
async def list_(target: Target, *, every: bool) -> None:
    """List the open questions, the oldest first.

    \b
    Example:
      blackboard escalations list --all -o jsonl
    """
    from controller.commands.questions import asked_on, document_of

    async with open_board(target) as board:
        found = [record for record in await asked_on(board) if every or record.value["status"] == "open"]
        now_ms = board.store.server_now_ms()
        documents = [document_of(record, now_ms) for record in found]
        none = f"{'nobody was' if every else 'nobody is'} asked anything on board {board.name}"
    emit(target, documents, lambda console: _render_list(console, documents, none, every=every))


@command.command("show")
@click.argument("question", metavar="ID", shell_complete=open_questions)
@board_options
async def show(target: Target, *, question: str) -> None:
    """Show the question ID: what it is about, what was tried, how to answer. ID may be its beginning, or the case.

    \b
    Example:
      blackboard escalations show return/R-1003
    """
    from controller.commands.questions import asked_on, background_of, choose, document_of

    async with open_board(target) as board:
        asked = choose(await asked_on(board), question, board.name)
        background = await background_of(board, asked)
        document = {"board": board.name, **document_of(asked, board.store.server_now_ms()), **background}
    emit(target, document, lambda console: _render_one(console, document))


@command.command("answer")
@click.argument("question", metavar="ID", shell_complete=open_questions)
@click.argument("choice", required=False)
@click.option(
    "--value",
    metavar="VALUE",
    help="JSON, or a text as it is: what 'decide' writes in the agent's place, or an answer without choices.",
)
@click.option("--reason", default="", help="Kept with the answer.")
@click.option("--by", metavar="NAME", help="Who answers; default: your user name.")
@board_options
async def answer(
    target: Target, *, question: str, choice: str | None, value: str | None, reason: str, by: str | None
) -> None:
    """Answer the question ID with CHOICE; asked for where a terminal is there and none is given.

    ID may be its beginning, or the case if that has one open question. An answer to a question that was answered,
    or whose records have changed since it was asked, is refused with exit code 1; one that does
    not fit the schema of the question, with 3.

    \b
    Examples:
      blackboard escalations answer 3b660f1c approve --reason "regular customer"
      blackboard escalations answer return/R-1003 decide --value '{"amount": 20}'
    """
    from blackboard.typed_value import parse_value
    from blackboard.user_name import user_name
    from controller.commands.questions import asked_on, choose, going_on
    from controller.escalation import Answer
    from controller.escalation import answer as give

    async with open_board(target) as board:
        asked = choose(await asked_on(board), question, board.name)
        content = parse_value(value, place="--value") if value is not None else None
        choice, content = _completed(asked, choice, content)
        given = Answer(choice, by or user_name(), reason, content)
        answered = await give(board, asked.key, given, board.store.server_now_ms())
        go_on = await going_on(board, target)
    document = {"board": board.name, "id": answered["activation"], **answered, "next": go_on}
    emit(target, document, lambda console: _render_answered(console, given, document, go_on))


def _completed(asked: Record[Any], choice: str | None, content: Any) -> tuple[str, Any]:
    """The choice and the value of an answer, asked for at the terminal where they are missing.

    Raises :class:`click.UsageError` where they are missing and nobody can be asked, or do not go together.
    """
    from blackboard.terminal import sanitize
    from blackboard.typed_value import parse_value
    from controller.given_answer import decides
    from knowledge_sources.nearest import did_you_mean

    question = asked.value
    choices: list[str] = question["choices"]
    can_ask = sys.stdin.isatty() and question["status"] == "open"
    if choice is None and content is None and can_ask:
        click.echo(sanitize(question["question"]), err=True)
        kind = click.Choice([sanitize(one) for one in choices]) if choices else None
        choice = str(click.prompt("Your answer", type=kind, err=True))
    with_value = choice is not None and decides(question, choice)
    if with_value and content is None and can_ask:
        content = parse_value(str(click.prompt("The value to write, as JSON", err=True)))
    if choice is None and (choices or content is None):
        raise click.UsageError(f"Say which answer: {', '.join(choices) or 'CHOICE, or --value JSON'}.")
    if choice is not None and choices and choice not in choices and question["status"] == "open":
        hint = did_you_mean(choice, choices)
        raise click.UsageError(f"{choice!r} is none of the choices: {', '.join(choices)}{hint}")
    if with_value and content is None:
        raise click.UsageError(f"decide needs --value JSON: what is written to {question['answer_to']}.")
    if choices and not with_value and content is not None:
        raise click.UsageError("--value goes with decide, or with a question that names no choices.")
    return choice or "", content


def _render_list(console: SafeConsole, documents: list[dict[str, Any]], none: str, *, every: bool) -> None:
    from blackboard.commands.record_view import instant, short_value
    from blackboard.console import shown, table
    from blackboard.wording import span
    from controller.short_ids import short_ids

    if not documents:
        console.print(shown(none))
        return
    short = short_ids([document["id"] for document in documents])
    columns = ["id", "case", "agent", "question", "choices", "asked", "since"] + (["status", "answer"] if every else [])
    rows = []
    for d in documents:
        row = [short[d["id"]], d["case"], d["agent"], d["question"], ", ".join(d["choices"]), instant(d["asked_ms"])]
        row.append(span(d["waited_ms"]))
        if every:
            told = f"{short_value(d['answer'])} by {d['answered_by']}" if d["status"] == "answered" else ""
            row += [d["status"], told]
        rows.append(row)
    console.print(table(columns, rows))


def _render_one(console: SafeConsole, document: dict[str, Any]) -> None:
    from blackboard.command_name import command_name
    from blackboard.commands.record_view import instant, short_value
    from blackboard.console import shown, table
    from blackboard.wording import error_and_place, span
    from controller.viewer.question_text import moved, whose_turn

    d = document
    answered = d["status"] == "answered"
    calls = [f"call {n}: {c['failure']}, {error_and_place(c['error'])}" for n, c in enumerate(d["failed_calls"], 1)]
    to_answer = f"{command_name()} escalations answer {d['id'][:8]} CHOICE --board {d['board']}"
    about = [f"{one['key']} = {short_value(one['value'])}{moved(one)}" for one in d["about"]]
    facts = [
        ("question", d["question"]),
        ("id", d["id"]),
        ("status", d["status"] + (f": {d['reason']}" if d.get("reason") and not answered else "")),
        ("case", d["case"]),
        ("asked", f"{instant(d['asked_ms'])}, {span(d['waited_ms'])} {'until the answer' if answered else 'ago'}"),
        ("by", f"{d['agent']}, which now is {d['state']}"),
        ("of", whose_turn(d)),
        ("tried", "\n".join(calls)),
        ("proposes", "\n".join(_proposed(d["proposal"])) if "proposal" in d else ""),
        ("about", "\n".join(about)),
        ("choices", ", ".join(d["choices"])),
        ("written to", d["answer_to"]),
        ("answer", f"{short_value(d['answer'])} by {d['answered_by']} {d.get('reason', '')}" if answered else ""),
        ("to answer", to_answer if d["status"] == "open" else ""),
    ]
    lines = table(("", ""), [(shown(name, "dim"), shown(text, keep="\n")) for name, text in facts if text])
    lines.show_header = False
    console.print(lines)


def _proposed(proposal: Proposal) -> list[str]:
    """What the agent would write, and how sure it is."""
    from blackboard.commands.record_view import short_value
    from controller.proposing import how_sure

    writes = proposal["writes"]
    told = [f"{one['key']} = {short_value(one['value'])}" if "value" in one else f"no {one['key']}" for one in writes]
    if "omitted" in proposal:
        told.append(proposal["omitted"])
    if "confidence" in proposal:
        told.append(how_sure(proposal["confidence"], proposal.get("because", "")))
    return told


def _render_answered(console: SafeConsole, given: Answer, document: dict[str, Any], go_on: str) -> None:
    from blackboard.console import shown

    said = given.choice or "a value"
    console.print(shown(f"{document['case']}: {given.by} answered {said} to {document['agent']}"))
    if go_on:
        console.print(shown(f"nobody leads board {document['board']}; to go on: {go_on}"))
