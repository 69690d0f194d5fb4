"""What a scenario feeds and no agent watches: it would wake nobody."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING, Final

from scenarios.problem import Problem
from scenarios.wiring import fed_keys
from scenarios.yaml_nodes import path_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.pattern import Pattern
    from knowledge_sources.source import KnowledgeSource
    from scenarios.scenario import DocumentPath, Scenario

ALIKE: Final = 0.8
"""from which likeness on one region is taken for another one misspelt (difflib's ratio)"""


def unwatched(scenario: Scenario, sources: Sequence[KnowledgeSource]) -> list[Problem]:
    """A warning where nobody watches what the run begins with, or a key that is nearly one that is watched.

    Other records that nobody watches are what agents read, and give no warning.
    """
    watched = [watch.pattern for source in sources for watch in source.watching]
    fed = list(fed_keys(scenario))
    unseen = [(path, key) for path, key in fed if not any(key.overlaps(pattern) for pattern in watched)]
    found = [(path, key, region) for path, key in unseen if (region := _meant(key, watched))]
    problems = [_problem(scenario, path, key, f"did you mean {region!r}?") for path, key, region in found]
    told = {path for path, _, _ in found}
    reason, openings = "nothing that the scenario opens with wakes anybody", unseen[: len(unseen) == len(fed)]
    if scenario.case is not None:
        reason, openings = "the cases wake nobody", [one for one in unseen if one[0] == ("case",)]
    return problems + [_problem(scenario, path, key, reason) for path, key in openings if path not in told]


def _meant(key: Pattern, watched: Sequence[Pattern]) -> str:
    """The watched region that ``key`` names nearly; empty where it names one exactly, or none."""
    regions = {pattern.region for pattern in watched if pattern.segments[0].kind == "literal"}
    if key.region in regions:
        return ""
    return next(iter(difflib.get_close_matches(key.region, sorted(regions), 1, ALIKE)), "")


def _problem(scenario: Scenario, path: DocumentPath, key: Pattern, reason: str) -> Problem:
    return Problem(scenario.place_of(path), path_text(path), f"no agent watches {key.text}: {reason}")
