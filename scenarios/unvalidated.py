"""What would wait for ever for a validator that nobody is, seen before anything runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.pattern import Pattern
from scenarios.problem import Problem
from scenarios.yaml_nodes import path_text

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from knowledge_sources.source import KnowledgeSource
    from scenarios.scenario import DocumentPath, Scenario


def unvalidated(scenario: Scenario, sources: Sequence[KnowledgeSource]) -> Iterator[Problem]:
    """A warning for each key that waits for a validator where no agent is one, and for each idle validator."""
    validated = {one.name: Pattern.parse(one.validates) for one in sources if one.validates is not None}
    proposed: list[tuple[DocumentPath, Pattern]] = [
        (("validate", index), rule) for index, rule in enumerate(scenario.validate_keys)
    ]
    proposed += [
        (("agents", one.name) if one.name in scenario.agents else ("agents_dir",), key)
        for one in sources
        if one.proposed
        for key in one.contributes
    ]
    for path, key in proposed:
        if not any(key.overlaps(pattern) for pattern in validated.values()):
            yield _warning(scenario, path, f"{key.text} waits for a validator, and no agent validates it")
    for name, pattern in validated.items():
        if not any(key.overlaps(pattern) for _, key in proposed):
            path = ("agents", name) if name in scenario.agents else ("agents_dir",)
            told = f"{name!r} validates {pattern.text}, and nothing is proposed there: say validate: or proposed: on"
            yield _warning(scenario, path, told)


def _warning(scenario: Scenario, path: DocumentPath, message: str) -> Problem:
    return Problem(scenario.place_of(path), path_text(path), message)
