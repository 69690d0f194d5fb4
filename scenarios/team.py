"""The agents of a scenario: loaded from where it says, its settings over their own."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from blackboard.errors import InvalidInput
from knowledge_sources.agent_folder import Broken, Joined, load_folder
from knowledge_sources.collect import Collecting
from knowledge_sources.loading import LIBRARY, load_agent, load_function
from knowledge_sources.nearest import did_you_mean
from knowledge_sources.template import InvalidParameters, Template
from scenarios.capability_models import instead_of
from scenarios.faults import beset
from scenarios.problem import InvalidScenario, Problem
from scenarios.scenario import DEFAULT_LEVEL, AgentSettings, DocumentPath, Scenario
from scenarios.yaml_nodes import path_text

if TYPE_CHECKING:
    from knowledge_sources.source import KnowledgeSource


_OVERRIDING: Final = (
    "rating",
    "respond_within_ms",
    "max_running",
    "max_cost",
    "escalate",
    "authority",
    "over",
    "instead_of",
    "approval",
    "threshold",
    "type",
    "after_ms",
    "every_ms",
    "times",
    "confirm_within_ms",
)
"""settings of an agent in the file that take the place of its own, where they are given"""


class Team(NamedTuple):
    """The agents that could be loaded, and a problem for each that could not."""

    sources: tuple[KnowledgeSource, ...]
    problems: tuple[Problem, ...]
    warnings: tuple[Problem, ...]


def load_team(scenario: Scenario) -> Team:
    """Every agent of ``scenario``, those in its folder of agents included; runs the code of their files."""
    sources, problems = _named(scenario)
    for found in _in_folder(scenario, problems):
        if found.name in sources:
            problems.append(_problem(scenario, ("agents_dir",), f"{found.name!r} is already one of the agents"))
        else:
            sources[found.name] = found
    warnings = [warning for source in sources.values() for warning in _self_wakings(scenario, source)]
    return Team(tuple(sources.values()), tuple(problems), tuple(warnings))


def require_named(scenario: Scenario) -> tuple[KnowledgeSource, ...]:
    """The agents that the scenario names, without those in its folder of agents, which may join and leave.

    Raises :class:`InvalidScenario` with every agent that could not be loaded.
    """
    sources, problems = _named(scenario)
    if problems:
        raise InvalidScenario(problems)
    return tuple(sources.values())


def _named(scenario: Scenario) -> tuple[dict[str, KnowledgeSource], list[Problem]]:
    sources: dict[str, KnowledgeSource] = {}
    problems: list[Problem] = []
    for name, settings in scenario.agents.items():
        path: DocumentPath = ("agents", name)
        try:
            loaded = load_agent(settings.use, scenario.folder)
        except InvalidInput as error:
            problems.append(_problem(scenario, (*path, "use"), str(error)))
            continue
        try:
            sources[name] = _settled(loaded, scenario, name, settings)
        except InvalidParameters as error:
            problems += [_problem(scenario, (*path, "with", *one.path), one.reason) for one in error.misuses]
        except InvalidInput as error:
            problems.append(_problem(scenario, path, str(error)))
    if scenario.token_counter is not None:
        try:
            load_function(scenario.token_counter, scenario.folder)
        except InvalidInput as error:
            problems.append(_problem(scenario, ("token_counter",), str(error)))
    return sources, problems


def _settled(
    loaded: KnowledgeSource | Template[Any], scenario: Scenario, name: str, settings: AgentSettings
) -> KnowledgeSource:
    """An agent with its settings; those of a template are what it is made of."""
    if isinstance(loaded, Template):
        made = dataclasses.replace(loaded.made(settings.config, scenario.folder), source=settings.use)
        return configured(made, scenario, name, settings.model_copy(update={"config": {}}))
    return configured(loaded, scenario, name, settings)


def _in_folder(scenario: Scenario, problems: list[Problem]) -> list[KnowledgeSource]:
    if scenario.agents_dir is None:
        return []
    path: DocumentPath = ("agents_dir",)
    found = []
    try:
        events = load_folder(scenario.folder / scenario.agents_dir)
    except InvalidInput as error:
        problems.append(_problem(scenario, path, str(error)))
        return []
    for event in events:
        if isinstance(event, Broken):
            problems.append(_problem(scenario, path, event.error))
        elif isinstance(event, Joined):
            try:
                found.append(configured(event.source, scenario, event.source.name, None))
            except InvalidInput as error:
                problems.append(_problem(scenario, path, str(error)))
    return found


def configured(
    source: KnowledgeSource, scenario: Scenario, name: str, settings: AgentSettings | None
) -> KnowledgeSource:
    """``source`` as ``scenario`` wants it under ``name``; ``settings`` is ``None`` for one found in a folder.

    Raises :class:`InvalidInput` where the two do not fit.
    """
    changes: dict[str, Any] = {"name": name, "level": _level(source, scenario, settings)}
    given = settings or AgentSettings(use=source.source)
    for setting in _OVERRIDING:
        value = getattr(given, setting)
        if value is not None:
            changes[setting] = value
    capability, before = instead_of(scenario.capabilities, name)
    if capability:
        changes |= {"provides": capability, "instead_of": before}
    if given.collect:
        changes["collect"] = {alias: one.model_dump(exclude_none=True) for alias, one in given.collect.items()}
    if given.config:
        changes["config"] = {**source.config, **given.config}
    if given.breaker is not None:
        changes["breaker"] = given.breaker.terms
    for bound in ("token_budget", "steps"):
        if getattr(given, bound) is not None:
            changes[bound] = getattr(given, bound) or None
    if given.retry is not None:
        changes["retry"] = dataclasses.replace(source.retry, **given.retry.model_dump(exclude_none=True))
    changes["guarded"] = scenario.guard and (source.guarded if given.guard is None else given.guard)
    for switch in ("cites", "logical", "proposed"):
        if getattr(given, switch) is not None:
            changes[switch] = getattr(given, switch)
    return beset(source.configured(**changes), scenario.faults)


def _level(source: KnowledgeSource, scenario: Scenario, settings: AgentSettings | None) -> str:
    if settings is not None and settings.priority is not None:
        return settings.priority
    if source.level in scenario.levels:
        return source.level
    # What an agent has that says nothing must exist under any set of levels.
    if source.level == DEFAULT_LEVEL:
        return scenario.default_level
    hint = did_you_mean(source.level, scenario.levels) or f"; there is {', '.join(scenario.levels)}"
    raise InvalidInput(f"its level {source.level!r} is not one of the levels{hint}")


def _self_wakings(scenario: Scenario, source: KnowledgeSource) -> list[Problem]:
    """A warning for each key that the agent may write and that one of its own watches covers.

    An ``unless`` that covers the key keeps the agent from firing on what it has just written.
    """
    found: list[Problem] = []
    if source.source.startswith(f"{LIBRARY}:"):  # written so that what they write brings them to rest
        return found
    for written in source.contributes:
        if any(written.overlaps(blocker) for blocker in source.unless):
            continue
        # What collects once does not fire again for what it writes itself.
        for watch in (one for one in source.watching if not isinstance(one, Collecting) or one.each):
            if written.overlaps(watch.pattern):
                reason = (
                    f"{source.name!r} writes {written.text}, which its own watch {watch.pattern.text!r} covers: "
                    "it fires again unless what it writes ends the condition"
                )
                found.append(_problem(scenario, ("agents", source.name), reason))
    return found


def _problem(scenario: Scenario, path: DocumentPath, message: str) -> Problem:
    return Problem(scenario.place_of(path), path_text(path), message)
