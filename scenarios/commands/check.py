"""``blackboard check``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from blackboard import exit_codes
from blackboard.commands.target import Target, emit, output_option

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.commands.target import Output
    from blackboard.console import SafeConsole
    from scenarios.problem import Problem


@click.command("check")
@click.argument("scenario")
@click.option("--set", "sets", multiple=True, metavar="PATH=VALUE", help="Lay a value over the file first.")
@output_option
def command(scenario: str, sets: tuple[str, ...], output: Output) -> int:
    """Say what is wrong with SCENARIO, a file, a folder or a shipped name, and where.

    Its agents are loaded, which runs the code of their files, and the files that it feeds are looked into;
    nothing is posted and no server is asked.
    Ends with 3 where something is wrong.

    \b
    Examples:
      blackboard check process_return
      blackboard check my/scenario.yaml --set guard=off -o json
    """
    from scenarios.feeding import file_problems
    from scenarios.loading import find_scenario, load_scenario
    from scenarios.problem import InvalidScenario
    from scenarios.schemas import load_schemas
    from scenarios.team import load_team
    from scenarios.unwatched import unwatched
    from scenarios.wiring import wiring_warnings

    agents: list[str] = []
    expectations = 0
    warnings: Sequence[Problem] = ()
    try:
        loaded = load_scenario(scenario, sets)
    except InvalidScenario as error:
        problems: Sequence[Problem] = error.problems
    else:
        team = load_team(loaded)
        agents = [source.name for source in team.sources]
        expectations = len(loaded.expect)
        problems = (*team.problems, *load_schemas(loaded)[1], *file_problems(loaded))
        warnings = team.warnings
        if not team.problems:  # an agent that could not be loaded watches something, too
            unseen = unwatched(loaded, team.sources)
            wiring = wiring_warnings(loaded, team.sources, fed_rightly=not unseen)
            warnings = (*warnings, *unseen, *wiring)
    document = {
        "file": str(find_scenario(scenario)),
        "ok": not problems,
        "agents": agents,
        "expectations": expectations,
        "problems": [problem._asdict() for problem in problems],
        "warnings": [warning._asdict() for warning in warnings],
    }
    emit(Target(None, None, output), document, lambda console: _render(console, document, problems, warnings))
    return exit_codes.INVALID if problems else exit_codes.OK


def _render(
    console: SafeConsole, document: dict[str, Any], problems: Sequence[Problem], warnings: Sequence[Problem]
) -> None:
    from blackboard.console import shown
    from blackboard.wording import counted

    for problem in problems:
        console.print(shown(problem, "red", keep="\n"))
    for warning in warnings:
        console.print(shown(f"{warning.place}: warning: {warning.path}: {warning.message}", "yellow", keep="\n"))
    if problems:
        console.print(shown(f"{document['file']}: {counted(len(problems), 'problem')}"))
        return
    agents, expectations = counted(len(document["agents"]), "agent"), counted(document["expectations"], "expectation")
    console.print(shown(f"{document['file']}: ok: {agents}, {expectations}", "green"))
