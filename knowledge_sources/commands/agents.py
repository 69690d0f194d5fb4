"""``blackboard agents``: list, info."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from blackboard.commands.defaulting import DefaultingGroup
from blackboard.commands.offers import agent_names
from blackboard.commands.target import Target, board_options, emit, open_board

if TYPE_CHECKING:
    from blackboard.board import Board
    from blackboard.console import SafeConsole


@click.group("agents", cls=DefaultingGroup)
def command() -> None:
    """List the agents of a board, or show one.

    \b
    Examples:
      blackboard agents
      blackboard agents info refund_a
    """


@command.command("list")
@board_options
async def list_(target: Target) -> None:
    """List the registered agents: status, load, success rate, cost.

    \b
    Example:
      blackboard agents list -o jsonl --board process_return@1
    """
    from blackboard.errors import NothingSelected

    async with open_board(target) as board:
        documents = await _documents(board)
        if not documents:
            raise NothingSelected(f"no agent is registered on board {board.name}")
    emit(target, documents, lambda console: _render_list(console, documents))


@command.command("info")
@click.argument("name", shell_complete=agent_names)
@board_options
async def info(target: Target, name: str) -> None:
    """Show what the agent NAME watches, writes, takes and gives, and how it has done.

    \b
    Example:
      blackboard agents info refund_a -o json
    """
    from blackboard.errors import NothingSelected
    from knowledge_sources.nearest import did_you_mean

    async with open_board(target) as board:
        documents = {document["name"]: document for document in await _documents(board)}
        if name not in documents:
            hint = did_you_mean(name, documents)
            raise NothingSelected(f"no agent {name!r} is registered on board {board.name}{hint}")
    emit(target, documents[name], lambda console: _render_info(console, documents[name]))


async def _documents(board: Board) -> list[dict[str, Any]]:
    """The entries of the registry, by name, each with the agent's ``performance`` and its ``breaker``."""
    from blackboard.control_records import ACTIVATIONS, AGENTS, BREAKERS
    from blackboard.control_shapes import sound
    from knowledge_sources.performance import performance_of

    by_agent: dict[str, list[Any]] = {}
    for record in sound(await board.find(f"{ACTIVATIONS}*")):
        by_agent.setdefault(record.value["agent"], []).append(record.value)
    entries = sorted(
        (record.value for record in sound(await board.find(f"{AGENTS}*"))), key=lambda entry: str(entry["name"])
    )
    breakers = {record.value["agent"]: record.value for record in sound(await board.find(f"{BREAKERS}*"))}
    return [
        {
            **entry,
            "performance": performance_of(by_agent.get(entry["name"], []))._asdict(),
            "breaker": breakers.get(entry["name"]),
        }
        for entry in entries
    ]


def _render_list(console: SafeConsole, documents: list[dict[str, Any]]) -> None:
    from blackboard.console import table

    columns = ("agent", "kind", "status", "level", "provides", "running", "waiting", "done", "failed calls", "success",
               "median", "cost")  # fmt: skip
    rows = [_row(document, document["performance"]) for document in documents]
    console.print(table(columns, rows, right=columns[5:]))


def _row(document: dict[str, Any], did: dict[str, Any]) -> tuple[object, ...]:
    about = (document["name"], document["kind"], _status(document), document["level"])
    counts = (did["running"], did["waiting"], did["executed"], did["failed_calls"])
    quality = (_percent(did["success"]), _milliseconds(did["median_ms"]), f"{did['cost']:.4f}")
    return (*about, ", ".join(document["capabilities"]), *counts, *quality)


def _status(document: dict[str, Any]) -> str:
    breaker = document["breaker"]
    if breaker is None or breaker["state"] == "closed":
        return str(document["status"])
    return f"{document['status']}, breaker {breaker['state'].replace('_', ' ')}"


def _breaker(breaker: dict[str, Any] | None) -> str:
    """What an agent's breaker is and why, where it was ever opened."""
    from blackboard.commands.record_view import instant

    if breaker is None:
        return ""
    if breaker["state"] == "closed":
        return f"closed again: {breaker['reason']}"
    if breaker["state"] == "half_open":
        return f"half open, so that one call is let through; it had opened because {breaker['reason']}"
    return f"open since {instant(breaker['opened_ms'])} until {instant(breaker['until_ms'])}: {breaker['reason']}"


def _collected(clause: dict[str, Any]) -> str:
    from blackboard.durations import format_duration

    many = f"{clause['at_least']} of {clause['of']}" if clause["of"] is not None else f"at least {clause['at_least']}"
    within = f" within {format_duration(clause['within_ms'])}" if clause["within_ms"] is not None else ""
    return f"{clause['pattern']}: {many}{within}" + (", each set" if clause["refire"] == "each" else "")


def _render_info(console: SafeConsole, document: dict[str, Any]) -> None:
    from blackboard.console import shown, table
    from blackboard.durations import format_duration
    from blackboard.terminal import format_json

    did = document["performance"]
    within, collects = document["respond_within_ms"], document.get("collects", {})
    after, every = document.get("after_ms"), document.get("every_ms")
    facts = [
        ("agent", f"{document['name']} ({document['kind']}, {_status(document)})"),
        ("does", document["description"]),
        ("from", document["source"]),
        ("provides", ", ".join(document["capabilities"])),
        ("watches", "\n".join(f"{alias}: {pattern}" for alias, pattern in document["watches"].items())),
        ("collects", "\n".join(f"{alias}: {_collected(clause)}" for alias, clause in collects.items())),
        ("unless", "\n".join(document["unless"])),
        ("contributes", "\n".join(document["contributes"])),
        ("level", document["level"]),
        ("fires after", format_duration(after) if after else ""),
        ("fires every", format_duration(every) if every else ""),
        ("responds within", format_duration(within) if within else ""),
        ("then asks", " → ".join(document["escalate"])),
        ("over", ", ".join(document["over"])),
        ("may", ", ".join(document["authority"])),
        ("takes", "\n".join(f"{a}: {format_json(s)}" for a, s in document["input_schema"].items() if s)),
        ("gives", format_json(document["output_schema"]) if document["output_schema"] else ""),
        ("in reserve for", ", ".join(document.get("instead_of", ()))),
        ("breaker", _breaker(document["breaker"])),
        ("now", f"{did['running']} running, {did['waiting']} waiting"),
        ("so far", f"{did['executed']} executed, {did['failed_calls']} failed calls, {did['overruled']} overruled"),
        ("success", _percent(did["success"])),
        ("median", _milliseconds(did["median_ms"])),
        ("cost", f"{did['cost']:.4f} ({did['input_tokens']} tokens in, {did['output_tokens']} out)"),
        ("broken", document.get("error", "")),
    ]
    lines = table(("", ""), [(shown(name, "dim"), shown(text, keep="\n")) for name, text in facts if text])
    lines.show_header = False
    console.print(lines)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _milliseconds(median: float | None) -> str:
    return "" if median is None else f"{median:.1f} ms"
