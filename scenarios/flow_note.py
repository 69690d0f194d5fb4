"""What a run says where people stop the flow of its board, or let it go on."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.command_name import command_name
from blackboard.wording import counted

if TYPE_CHECKING:
    from blackboard.control_records import Flow


def flow_note(board: str, flow: Flow) -> str:
    """Who has stopped the flow of ``board``, or let it go on, and what to type next."""
    because = f": {flow['reason']}" if flow["reason"] else ""
    by, on = f"by {flow['author']}{because}", f"--board {board}"
    if flow["mode"] == "running":
        return f"resumed {by}"
    name = command_name()
    if "refused" in flow:
        return f"not dispatched: {flow['refused']}"
    if flow["steps"]:
        return f"{counted(flow['steps'], 'step')} granted {by}"
    if flow["mode"] == "recommend":
        return f"waits for a word on each pick {by}; '{name} step --accept {on}' takes it, '{name} resume {on}' goes on"
    return f"paused {by}; '{name} step {on}' dispatches the next one, '{name} resume {on}' goes on"
