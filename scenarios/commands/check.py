"""``blackboard check``."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from blackboard import exit_codes
from blackboard.commands.target import Target, emit, output_option
from scenarios.commands.offers import scenario_names

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.commands.target import Output
    from blackboard.console import SafeConsole
    from scenarios.commands.check_fix import Fix
    from scenarios.problem import Problem


@click.command("check")
@click.argument("scenario", shell_complete=scenario_names)
@click.option("--set", "sets", multiple=True, metavar="PATH=VALUE", help="Lay a value over the file first.")
@click.option("--fix", is_flag=True, help="Break deadlocks: add to the file an agent that merges what is there.")
@click.option("--dry-run", is_flag=True, help="With --fix: show what would be added, and leave the file alone.")
@output_option
def command(scenario: str, sets: tuple[str, ...], output: Output, *, fix: bool, dry_run: bool) -> int:
    """Say what is wrong with SCENARIO, a file, a folder or a shipped name, and where.

    Its agents are loaded, which runs the code of their files, and the files that it feeds are looked into;
    nothing is posted and no server is asked.
    Ends with 3 where something is wrong. --fix changes nothing in the file but adds a line for each deadlock, and
    refuses a file with changes that git does not know of yet.

    \b
    Examples:
      blackboard check process_return
      blackboard check my/scenario.yaml --set guard=off -o json
      blackboard check my/scenario.yaml --fix --dry-run
    """
    from blackboard.errors import UsageError
    from scenarios.commands.check_fix import fix_deadlocks
    from scenarios.feeding import file_problems
    from scenarios.loading import find_scenario, load_scenario
    from scenarios.problem import InvalidScenario
    from scenarios.schemas import load_schemas
    from scenarios.team import load_team
    from scenarios.unvalidated import unvalidated
    from scenarios.unwatched import unwatched
    from scenarios.wiring import unread_notes, wiring_warnings

    if (fix and sets) or (dry_run and not fix):
        raise UsageError("--fix changes the file and takes no --set; --dry-run goes with --fix")
    fixed: Fix | None = None
    agents: list[str] = []
    expectations = 0
    warnings: Sequence[Problem] = ()
    notes: Sequence[Problem] = ()
    try:
        loaded = load_scenario(scenario, sets)
    except InvalidScenario as error:
        problems: Sequence[Problem] = error.problems
    else:
        if fix:
            fixed = fix_deadlocks(loaded, dry_run=dry_run)
            loaded = loaded if dry_run else load_scenario(scenario)
        team = load_team(loaded)
        agents = [source.name for source in team.sources]
        expectations = len(loaded.expect)
        problems = (*team.problems, *load_schemas(loaded)[1], *file_problems(loaded))
        warnings = team.warnings
        if not team.problems:  # an agent that could not be loaded watches something, too
            unseen = unwatched(loaded, team.sources)
            unproved = tuple(unvalidated(loaded, team.sources))
            wiring = wiring_warnings(loaded, team.sources, fed_rightly=not unseen)
            notes = unread_notes(loaded, team.sources)
            warnings = (*warnings, *unseen, *unproved, *wiring)
    document = {
        "file": str(find_scenario(scenario)),
        "ok": not problems,
        "agents": agents,
        "expectations": expectations,
        "problems": [problem._asdict() for problem in problems],
        "warnings": [warning._asdict() for warning in warnings],
        "notes": [note._asdict() for note in notes],
    }
    if fixed is not None:
        document["fix"] = {
            "written": bool(fixed.added) and not dry_run,
            "added": [mend._asdict() for mend in fixed.added],
            "left": [one._asdict() for one in fixed.left],
            "diff": fixed.diff,
        }
    emit(Target(None, None, output), document, lambda console: _render(console, document, problems, warnings))
    return exit_codes.INVALID if problems else exit_codes.OK


def _render_fix(console: SafeConsole, fix: dict[str, Any]) -> None:
    from blackboard.console import shown

    for line in fix["diff"].splitlines():
        console.print(shown(line, {"+": "green", "-": "red"}.get(line[:1], "dim")))
    for mend in fix["added"]:
        done = "added" if fix["written"] else "would be added"
        circle = ", ".join(mend["circle"])
        console.print(shown(f"{mend['agent']} {done}: it supplies {mend['key']} and breaks the circle of {circle}"))
    for left in fix["left"]:
        console.print(shown(f"left as it is: the circle of {', '.join(left['circle'])}: {left['why']}", "yellow"))
    if not fix["added"] and not fix["left"]:
        console.print(shown("no deadlock: nothing to fix"))


def _render(
    console: SafeConsole, document: dict[str, Any], problems: Sequence[Problem], warnings: Sequence[Problem]
) -> None:
    from blackboard.console import shown
    from blackboard.wording import counted

    if "fix" in document:
        _render_fix(console, document["fix"])
    for problem in problems:
        console.print(shown(problem, "red", keep="\n"))
    for warning in warnings:
        console.print(shown(f"{warning.place}: warning: {warning.path}: {warning.message}", "yellow", keep="\n"))
    for note in document["notes"]:
        console.print(shown(f"{note['place']}: note: {note['path']}: {note['message']}", "dim", keep="\n"))
    if problems:
        console.print(shown(f"{document['file']}: {counted(len(problems), 'problem')}"))
        return
    agents, expectations = counted(len(document["agents"]), "agent"), counted(document["expectations"], "expectation")
    console.print(shown(f"{document['file']}: ok: {agents}, {expectations}", "green"))
