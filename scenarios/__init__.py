"""Files that describe a run: agents, opening records, limits and expectations; and what runs and checks them.

What it takes to run one from Python is importable from here; a name is loaded at its first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from blackboard.exporting import lister, loader

if TYPE_CHECKING:
    from scenarios.expectations import Result
    from scenarios.loading import NoSuchScenario, load_scenario
    from scenarios.problem import InvalidScenario
    from scenarios.runner import Onlooker, Options, run_scenario
    from scenarios.scenario import Scenario
    from scenarios.setting import InvalidSetting
    from scenarios.verdict import Finished

__all__ = [
    "Finished",
    "InvalidScenario",
    "InvalidSetting",
    "NoSuchScenario",
    "Onlooker",
    "Options",
    "Result",
    "Scenario",
    "load_scenario",
    "run_scenario",
]

_HOME: Final = {
    "Finished": "scenarios.verdict",
    "InvalidScenario": "scenarios.problem",
    "InvalidSetting": "scenarios.setting",
    "NoSuchScenario": "scenarios.loading",
    "Onlooker": "scenarios.runner",
    "Options": "scenarios.runner",
    "Result": "scenarios.expectations",
    "Scenario": "scenarios.scenario",
    "load_scenario": "scenarios.loading",
    "run_scenario": "scenarios.runner",
}

__getattr__ = loader(__name__, _HOME)
__dir__ = lister(__name__, _HOME)
