"""``blackboard graph``."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from blackboard.commands.target import Target, emit, output_option
from scenarios.commands.offers import scenario_names

if TYPE_CHECKING:
    from blackboard.commands.target import Output
    from knowledge_sources.dependencies import Dependencies


@click.command("graph")
@click.argument("scenario", shell_complete=scenario_names)
@click.option("--set", "sets", multiple=True, metavar="PATH=VALUE", help="Lay a value over the file first.")
@output_option
def command(scenario: str, sets: tuple[str, ...], output: Output) -> None:
    """Draw who watches and writes what in SCENARIO, as a Mermaid flowchart.

    Its agents are loaded, which runs the code of their files; nothing is posted and no server is asked.

    \b
    Examples:
      blackboard graph process_return > team.mmd
      blackboard graph my/scenario.yaml -o json
    """
    from scenarios.loading import load_scenario
    from scenarios.mermaid import flowchart
    from scenarios.problem import InvalidScenario
    from scenarios.team import load_team
    from scenarios.wiring import dependencies_of

    loaded = load_scenario(scenario, sets)
    team = load_team(loaded)
    if team.problems:
        raise InvalidScenario(team.problems)
    found = dependencies_of(loaded, team.sources)
    if output == "text":
        sys.stdout.write(flowchart(found))
    else:
        emit(Target(None, None, output), _document(found), lambda _: None)


def _document(found: Dependencies) -> dict[str, Any]:
    return {
        "fed": [key.text for key in found.fed],
        "agents": [
            {
                "name": source.name,
                "kind": source.kind,
                "watches": [watch.pattern.text for watch in source.watches],
                "collects": [collecting.sentence for collecting in source.collects],
                "unless": [pattern.text for pattern in source.unless],
                "contributes": [pattern.text for pattern in source.contributes],
            }
            for source in found.sources
        ],
        "wakes": [
            {"writer": edge.writer.name, "key": edge.written.text, "reader": edge.reader.name} for edge in found.edges
        ],
        "unread": [{"agent": source.name, "key": key.text} for source, key in found.unread],
        "deadlocks": [[source.name for source in circle] for circle in found.deadlocks],
        "loops": [[source.name for source in circle] for circle in found.loops],
    }
