"""``blackboard waits``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from blackboard.commands.target import Target, board_options, emit, open_board

if TYPE_CHECKING:
    from blackboard.console import SafeConsole
    from blackboard.control_records import WaitGraph


@click.command("waits")
@click.option("--at", "moment", metavar="MOMENT", help="As it was then: a revision, a commit, a snapshot, a time.")
@click.option("--mermaid", is_flag=True, help="As a Mermaid flowchart.")
@board_options
async def command(target: Target, *, moment: str | None, mermaid: bool) -> None:
    """Tell who has a part of what it watches and waits for the rest, who may write that, and who waits in a circle.

    Told from the records alone, whether a controller runs or not; a precondition, which is code, is not asked.

    \b
    Examples:
      blackboard waits
      blackboard waits --board deadlock@1 --mermaid > waits.mmd
    """
    from blackboard.control_records import AGENTS
    from blackboard.control_shapes import sound
    from controller.wait_chart import flowchart
    from controller.wait_for import member_of_record, wait_for

    async with open_board(target) as board:
        state = await board.at(moment) if moment is not None else await board.replica()
        replica = await board.replica()
        records = [record for record in replica.region("control").values() if record.key.startswith(AGENTS)]
        agents = [record.value for record in sound(sorted(records, key=lambda record: record.key))]
        members = [member_of_record(agent) for agent in agents if agent["kind"] == "agent"]
        graph = wait_for(state, members, [one for one in members if len(one.watches) > 1]).as_record()
    if mermaid and target.output == "text":
        sys.stdout.write(flowchart(graph))
    else:
        emit(target, {"board": board.name, **graph}, lambda console: _render(console, graph))


def _render(console: SafeConsole, graph: WaitGraph) -> None:
    from blackboard.console import shown
    from controller.wait_chart import lines

    told = list(lines(graph))
    for line in told:
        console.print(shown(line, "red" if line.startswith("circle") else ""))
    if not told:
        console.print(shown("nobody has a part of what it watches and waits for the rest"))
