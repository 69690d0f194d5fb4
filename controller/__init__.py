"""Who fires next: matching, agenda, decision, dispatch, supervision and recovery; and the viewer of all that.

What it takes to lead a board from Python is importable from here; a name is loaded at its first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from blackboard.exporting import lister, loader

if TYPE_CHECKING:
    from controller.budgets import Limit, Limits, RunLimit
    from controller.controller import Controller
    from controller.errors import IllegalTransition, LostLeadership
    from controller.run_end import RunEnd
    from controller.settings import Settings
    from controller.strategy import Policy

__all__ = [
    "Controller",
    "IllegalTransition",
    "Limit",
    "Limits",
    "LostLeadership",
    "Policy",
    "RunEnd",
    "RunLimit",
    "Settings",
]

_HOME: Final = {
    "Controller": "controller.controller",
    "IllegalTransition": "controller.errors",
    "Limit": "controller.budgets",
    "Limits": "controller.budgets",
    "LostLeadership": "controller.errors",
    "Policy": "controller.strategy",
    "RunEnd": "controller.run_end",
    "RunLimit": "controller.budgets",
    "Settings": "controller.settings",
}

__getattr__ = loader(__name__, _HOME)
__dir__ = lister(__name__, _HOME)
