"""Running a shipped scenario in the test's own process, and what it leaves on its board."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blackboard.board import Board
from blackboard.connect import connect
from blackboard.control_records import ACTIVATIONS, ESCALATIONS
from blackboard.keys import CONTROL_REGION, region_of
from controller.escalation import Answer, answer
from scenarios.commands.run_screen import Silent
from scenarios.runner import Options, run_scenario

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from blackboard.control_records import Activation
    from blackboard.record import Record
    from scenarios.verdict import Finished

PUNCTUAL = ("agents.gateway.with.slow=off", "agents.gateway.respond_within=10m")
"""``--set``s under which no deadline decides anything in ``process_return``, so that runs can be compared"""


async def run(
    url: str, board: str, scenario: str, *sets: str, input_file: Path | None = None, resume: bool = False
) -> Finished:
    """Run ``scenario`` on ``board`` in this process."""
    backend = await connect(url)
    try:
        return await run_scenario(backend, scenario, Options(sets, input_file, board, resume), Silent())
    finally:
        await backend.aclose()


async def records_of(url: str, board: str) -> dict[str, Record[Any]]:
    """Every record that agents and input wrote, by key; those of the runtime are left out."""
    async with await Board.open(url, board) as opened:
        records = (await opened.replica()).records()
        return {record.key: record for record in records if region_of(record.key) != CONTROL_REGION}


async def values_of(url: str, board: str) -> dict[str, Any]:
    """:func:`records_of` as values, without times and revisions."""
    return {key: record.value for key, record in (await records_of(url, board)).items()}


def region(values: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The values in one region, by the rest of their keys."""
    return {key.removeprefix(f"{name}/"): value for key, value in values.items() if key.startswith(f"{name}/")}


async def activations_of(url: str, board: str) -> dict[str, Activation]:
    """Every activation, by id."""
    async with await Board.open(url, board) as opened:
        found = await opened.find(f"{ACTIVATIONS}*")
        return {record.key.removeprefix(ACTIVATIONS): record.value for record in found}


async def reply(url: str, board: str, replies: Mapping[str, Answer]) -> list[str]:
    """Answer the open question of each case in ``replies``; the cases that had one."""
    answered = []
    async with await Board.open(url, board) as opened:
        for asked in await opened.find(f'{ESCALATIONS}* where status == "open"'):
            given = replies.get(asked.value["case"])
            if given is not None:
                await answer(opened, asked.key, given, opened.store.server_now_ms())
                answered.append(asked.value["case"])
    return sorted(answered)
