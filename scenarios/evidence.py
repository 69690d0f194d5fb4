"""The records of a board sorted into what a report is made of."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from blackboard.control_records import ACTIVATIONS, AGENTS, ESCALATIONS, RUN
from blackboard.control_shapes import sound
from blackboard.keys import CONTROL_REGION, region_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from blackboard.board import Board
    from blackboard.control_records import Activation, Agent, Escalation, Run
    from blackboard.record import Record


class Evidence(NamedTuple):
    """What a run left behind.

    ``cases`` maps each case's id to what came of it in the words of its own records: the text in a field
    ``outcome`` of the latest of them that has one, else ``""``.
    """

    board: str
    run: Run | None
    activations: Mapping[str, Activation]
    """by id"""
    escalations: Mapping[str, Escalation]
    """by key"""
    cases: Mapping[str, str]
    agents: Mapping[str, Agent] = {}
    """those of the registry, by name"""


def sort_records(board: str, records: Iterable[Record[Any]]) -> Evidence:
    """The evidence in the records of ``board``, as they stand.  Values are taken over, not copied.

    Control records that the runtime does not write are passed over with a warning.
    """
    run: Run | None = None
    activations: dict[str, Activation] = {}
    escalations: dict[str, Escalation] = {}
    agents: dict[str, Agent] = {}
    cases: dict[str, str] = {}
    latest: dict[str, int] = {}
    for record in sound(records):
        if record.key == RUN:
            run = record.value
        elif record.key.startswith(ACTIVATIONS):
            activations[record.key.removeprefix(ACTIVATIONS)] = record.value
        elif record.key.startswith(AGENTS):
            agents[record.key.removeprefix(AGENTS)] = record.value
        elif record.key.startswith(ESCALATIONS):
            escalations[record.key] = record.value
        elif region_of(record.key) != CONTROL_REGION and record.case:
            if record.case == record.key:
                cases.setdefault(record.case, "")
            outcome = record.value.get("outcome") if isinstance(record.value, dict) else None
            if isinstance(outcome, str) and outcome and record.revision > latest.get(record.case, 0):
                latest[record.case] = record.revision
                cases[record.case] = outcome
    for activation in activations.values():
        if activation["case"]:
            cases.setdefault(activation["case"], "")
    return Evidence(board, run, activations, escalations, dict(sorted(cases.items())), agents)


async def read_evidence(board: Board) -> Evidence:
    """The evidence on ``board`` now."""
    return sort_records(board.name, (await board.replica()).records())
