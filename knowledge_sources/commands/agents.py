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
    from knowledge_sources.commands.agent_text import milliseconds, percent, status_of

    def row(document: dict[str, Any], did: dict[str, Any]) -> tuple[object, ...]:
        about = (document["name"], document["kind"], status_of(document), document["level"])
        counts = (did["running"], did["waiting"], did["executed"], did["failed_calls"])
        quality = (percent(did["success"]), milliseconds(did["median_ms"]), f"{did['cost']:.4f}")
        return (*about, ", ".join(document["capabilities"]), *counts, *quality)

    columns = ("agent", "kind", "status", "level", "provides", "running", "waiting", "done", "failed calls", "success",
               "median", "cost")  # fmt: skip
    rows = [row(document, document["performance"]) for document in documents]
    console.print(table(columns, rows, right=columns[5:]))


def _render_info(console: SafeConsole, document: dict[str, Any]) -> None:
    from blackboard.console import shown, table
    from knowledge_sources.commands.agent_text import agent_facts

    rows = [(shown(name, "dim"), shown(text, keep="\n")) for name, text in agent_facts(document)]
    lines = table(("", ""), rows)
    lines.show_header = False
    console.print(lines)
