"""``control/run``: what a board says of the run on it, so that it can be reported on and taken up again."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from scenarios.loading import name_to_run

if TYPE_CHECKING:
    from blackboard.control_records import Phase, Run, RunSettings
    from controller.desk import Desk
    from scenarios.feeding import Fed
    from scenarios.scenario import Scenario
    from scenarios.verdict import Status


def opened(scenario: Scenario, input_file: Path | None, started_ms: int) -> Run:
    """The record of a run that begins."""
    return {
        "scenario": scenario.name,
        "status": "running",
        "started_ms": started_ms,
        "settings": settings_of(scenario, input_file),
    }


def settings_of(scenario: Scenario, input_file: Path | None) -> RunSettings:
    """What the run goes by: what it is run as, where it was read, what was laid over it, and all but its records."""
    return {
        "run": name_to_run(scenario.file),
        "file": str(scenario.file),
        "input": str(input_file.resolve()) if input_file is not None else None,
        "sets": list(scenario.sets),
        "document": {key: value for key, value in scenario.document.items() if key != "records"},
    }


def resumed_from(run: Run) -> tuple[tuple[str, ...], Path | None]:
    """The ``--set`` and the ``--input`` of a run that is to go on."""
    settings = run["settings"]
    given = settings.get("input")
    return tuple(settings.get("sets", ())), Path(given) if given else None


def ended(
    run: Run,
    desk: Desk,
    *,
    status: Status,
    settings: RunSettings,
    ended_ms: int,
    fed: Fed | None,
) -> Run:
    """``run`` with what came of it; what ``desk`` measured is added to what earlier parts of the run did.

    ``fed`` is ``None`` where the input was not read to its end.
    """
    agents_seconds = run.get("agents_seconds", 0.0) + desk.meter.agents
    earlier = run.get("overhead", {})
    overhead: dict[str, Phase] = {}
    for name, spent in desk.overhead().items():
        seconds = spent + (earlier[name]["seconds"] if name in earlier else 0.0)
        share = seconds / agents_seconds if agents_seconds else 0.0
        overhead[name] = {"seconds": round(seconds, 6), "share": round(share, 6)}
    after: Run = {
        **run,
        "status": status,
        "settings": settings,
        "ended_ms": ended_ms,
        "agents_seconds": round(agents_seconds, 6),
        "overhead": overhead,
        "conflicts": run.get("conflicts", 0) + desk.meter.conflicts,
    }
    if fed is not None:
        after["rejected_input"] = [one.as_record() for one in fed.rejected]
        after["rejected_count"] = fed.rejected_count
    return after
