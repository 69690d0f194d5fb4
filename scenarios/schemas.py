"""The schemas of a scenario: loaded from where it says, and asked of what the file itself posts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.errors import InvalidInput, SchemaMismatch
from blackboard.pattern import Pattern
from blackboard.schemas import Schema, Schemas
from knowledge_sources.errors import LoadingError
from knowledge_sources.loading import load_object
from knowledge_sources.region_schemas import schema_for
from scenarios.event_models import PostEvent
from scenarios.problem import InvalidScenario, Problem
from scenarios.record_models import InlineRecord
from scenarios.yaml_nodes import path_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from scenarios.scenario import DocumentPath, Scenario


def require_schemas(scenario: Scenario) -> tuple[Schema, ...]:
    """The schemas that ``scenario`` names; raises :class:`InvalidScenario` with all that is wrong about them."""
    schemas, problems = load_schemas(scenario)
    if problems:
        raise InvalidScenario(problems)
    return schemas


def load_schemas(scenario: Scenario) -> tuple[tuple[Schema, ...], list[Problem]]:
    """The schemas that can be loaded, which runs the code of their files, and a problem for each that cannot.

    A record or event in the file that is not what its schema asks for is a problem, too.
    """
    found: list[Schema] = []
    problems: list[Problem] = []
    for text, use in scenario.schemas.items():
        path: DocumentPath = ("schemas", text)
        try:
            found.append(_load(Pattern.parse(text), use, scenario.folder))
        except InvalidInput as error:
            problems.append(Problem(scenario.place_of(path), path_text(path), str(error)))
    held = Schemas(found)
    for path, record in _posted(scenario) if held else ():
        try:
            held.check(record.key.fill({}), record.value)
        except SchemaMismatch as error:
            problems.append(Problem(scenario.place_of(path), path_text(path), str(error)))
    return tuple(found), problems


def _load(pattern: Pattern, use: str, base: Path) -> Schema:
    shape = load_object(use, base, "schema")
    if not isinstance(shape, type | dict):
        raise LoadingError(f"{use!r} is {type(shape).__name__}: name a pydantic model, or a dict that is a JSON Schema")
    return schema_for(pattern, shape, use.rpartition(":")[2])


def _posted(scenario: Scenario) -> Iterator[tuple[DocumentPath, InlineRecord]]:
    for index, record in enumerate(scenario.records):
        if isinstance(record, InlineRecord):
            yield ("records", index, "value"), record
    for index, event in enumerate(scenario.events):
        if isinstance(event, PostEvent):
            yield ("events", index, "post", "value"), event.post
