"""Ready-made agents, taken as they are: ``use: library:planner`` in a scenario, ``planner(…)`` in Python.

Each is a :class:`~knowledge_sources.template.Template`; a name is loaded at its first use.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from blackboard.exporting import lister, loader

if TYPE_CHECKING:
    from knowledge_sources.library.advance import advance
    from knowledge_sources.library.composer import composer
    from knowledge_sources.library.compressor import compressor
    from knowledge_sources.library.human import human
    from knowledge_sources.library.merge import merge
    from knowledge_sources.library.planner import planner, replanner
    from knowledge_sources.library.router import router
    from knowledge_sources.library.validator import validator
    from knowledge_sources.library.webhook import webhook

__all__ = [
    "advance",
    "composer",
    "compressor",
    "human",
    "merge",
    "planner",
    "replanner",
    "router",
    "validator",
    "webhook",
]

_HOME: Final = {
    "advance": "knowledge_sources.library.advance",
    "composer": "knowledge_sources.library.composer",
    "compressor": "knowledge_sources.library.compressor",
    "human": "knowledge_sources.library.human",
    "merge": "knowledge_sources.library.merge",
    "planner": "knowledge_sources.library.planner",
    "replanner": "knowledge_sources.library.planner",
    "router": "knowledge_sources.library.router",
    "validator": "knowledge_sources.library.validator",
    "webhook": "knowledge_sources.library.webhook",
}

__getattr__ = loader(__name__, _HOME)
__dir__ = lister(__name__, _HOME)
