"""Whether what the records tell of an agenda is what the controller saw when it decided."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from blackboard.control_records import ACTIVATIONS, AGENTS
from controller.viewer.journey import Journey
from controller.viewer.past_agenda import agenda_from

if TYPE_CHECKING:
    from blackboard.board import Board


class Dispatch(NamedTuple):
    """One decision that was carried out by the commit of ``revision``."""

    activation: str
    revision: int
    agent: str
    supervisor: bool
    now_ms: int
    decision: dict[str, Any]


class Compared(NamedTuple):
    """A decision beside what the records of its moment tell."""

    dispatch: Dispatch
    entry: dict[str, Any] | None
    """the chosen one as it is told"""
    eligible: int
    """of those that compete with it"""
    in_flight: int
    """that were picked before it and have no record yet"""
    first: str
    """whom the records would pick"""

    @property
    def more(self) -> int:
        """How many more the records name as eligible than the controller counted, in flight ones apart."""
        return self.eligible - self.in_flight - int(self.dispatch.decision["eligible"])


async def dispatches(board: Board) -> list[Dispatch]:
    """Every decision on ``board``, in the order in which they were made."""
    found: list[Dispatch] = []
    kinds: dict[str, str] = {}
    head = await board.revision()
    async for change in board.changes():
        if change.record is not None and change.key.startswith(AGENTS):
            kinds[change.key.removeprefix(AGENTS)] = change.record.value["kind"]
        if (
            change.record is not None
            and change.key.startswith(ACTIVATIONS)
            and change.record.value["state"] == "running"
        ):
            value = change.record.value
            decision = value["decision"]
            now_ms = value["eligible_ms"] + decision["waited_ms"]
            found.append(
                Dispatch(
                    change.key.removeprefix(ACTIVATIONS), change.revision, value["agent"],
                    kinds[value["agent"]] == "supervisor", now_ms, decision,
                )
            )  # fmt: skip
        if change.revision == head:
            break
    return sorted(found, key=lambda one: (one.decision["revision"], -one.decision["eligible"], one.revision))


async def compared(board: Board, *, every: int = 1) -> list[Compared]:
    """Each decision, or one of ``every``, beside what :func:`agenda_from` tells of the revision at which it was made."""
    made = await dispatches(board)
    found = []
    journey = await Journey.begin(board, "oldest")
    try:
        for at, dispatch in enumerate(made):
            if at % every:
                continue
            revision = dispatch.decision["revision"]
            await journey.go(str(revision))
            told = agenda_from(journey.state, dispatch.now_ms, most=1_000)
            part = told["supervisors" if dispatch.supervisor else "pending"]
            ready = [one for one in part if one["state"] == "ready"]
            entry = next((one for one in part if one["activation"] == dispatch.activation), None)
            in_flight = sum(
                one.revision > revision and one.supervisor == dispatch.supervisor for one in made[:at]
            )  # fmt: skip
            found.append(Compared(dispatch, entry, len(ready), in_flight, ready[0]["activation"] if ready else ""))
    finally:
        await journey.close()
    return found
