"""The registry: which agents there are, what they can do, and whom work may be handed to.

An entry is the record ``control/agents/<name>``.  The nearest known name is in every refusal.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from blackboard.control_records import AGENTS, Agent
from blackboard.control_shapes import is_sound, sound
from blackboard.errors import UsageError
from blackboard.pattern import Pattern
from knowledge_sources.annotations import schema_of
from knowledge_sources.errors import UnknownAgent
from knowledge_sources.nearest import nearest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blackboard.control_records import CollectClause
    from knowledge_sources.collect import Collecting
    from knowledge_sources.context import Reader
    from knowledge_sources.source import KnowledgeSource

_ALL_AGENTS: Final = AGENTS + "{name}"


def agent_record(source: KnowledgeSource, error: str = "") -> Agent:
    """The registry's entry for ``source``, which is ready; ``error`` is what its rating or precondition raised."""
    models = {given.source: given.annotation for given in source.inputs if given.annotation is not None}
    record: Agent = {
        "name": source.name,
        "kind": source.kind,
        "capabilities": [source.provides],
        "status": "ready",
        "level": source.level,
        "watches": {watch.alias: watch.pattern.text for watch in source.watches},
        "unless": [pattern.text for pattern in source.unless],
        "contributes": [pattern.text for pattern in source.contributes],
        "respond_within_ms": source.respond_within_ms,
        "escalate": list(source.escalate),
        "authority": sorted(source.authority),
        "over": list(source.over),
        "input_schema": {alias: _schema(models.get(alias)) for alias in source.aliases},
        "output_schema": None if source.output_model is None else _schema(source.output_model),
        "description": source.description,
        "source": source.source,
    }
    if source.type is not None:
        record["type"] = source.type
    if source.instead_of:
        record["instead_of"] = list(source.instead_of)
    if source.validates is not None:
        record["validates"] = source.validates
    if source.collects:
        record["collects"] = {one.alias: _clause(one) for one in source.collects}
    if source.after_ms is not None:
        record["after_ms"] = source.after_ms
    if source.every_ms is not None:
        record["every_ms"] = source.every_ms
    if error:
        record["error"] = error
    return record


def _clause(collecting: Collecting) -> CollectClause:
    return {
        "pattern": collecting.pattern.text,
        "at_least": collecting.at_least,
        "of": collecting.of,
        "within_ms": collecting.within_ms,
        "refire": "each" if collecting.each else "once",
    }


def broken_agent_record(name: str, source: str, traceback: str) -> Agent:
    """The entry for an agent whose file could not be loaded, so that people see why it is missing."""
    return {
        "name": name,
        "kind": "agent",
        "capabilities": [],
        "status": "broken",
        "level": "",
        "watches": {},
        "unless": [],
        "contributes": [],
        "respond_within_ms": None,
        "escalate": [],
        "authority": [],
        "over": [],
        "input_schema": {},
        "output_schema": None,
        "description": "",
        "source": source,
        "error": traceback,
    }


def check_handoff(reader: Reader, *, to: str = "", capability: str = "") -> tuple[str, str]:
    """The agent that work may be handed to, and the key of its entry, which the handoff is guarded by.

    ``to`` is a name; ``capability`` picks the first ready agent, by name, that provides it.  Raises
    :class:`UnknownAgent` with the nearest that are ready, :class:`UsageError` unless just one is given.
    """
    if bool(to) == bool(capability):
        raise UsageError("a handoff names one: to= an agent, or capability= what is wanted")
    if to:
        found = reader.get(AGENTS + to)
        if found is not None and is_sound(found) and found.value["status"] == "ready":
            return to, found.key
        raise UnknownAgent(to, _nearest_or_first(to, (agent["name"] for agent in _ready(reader))))
    ready = sorted(_ready(reader), key=lambda agent: agent["name"])
    for agent in ready:
        if capability in agent["capabilities"]:
            return agent["name"], AGENTS + agent["name"]
    provided = (one for agent in ready for one in agent["capabilities"])
    raise UnknownAgent(capability, _nearest_or_first(capability, provided), wanted="capability")


def _ready(reader: Reader) -> list[Agent]:
    found = sound(reader.find(Pattern.parse(_ALL_AGENTS)))
    return [agent for record in found if (agent := record.value)["status"] == "ready"]


def _nearest_or_first(name: str, names: Iterable[str]) -> list[str]:
    known = sorted(set(names))
    return nearest(name, known) or known[:3]


def _schema(annotation: Any) -> dict[str, Any]:
    """A schema as a record holds it: no tuples, enums or models among its defaults."""
    if annotation is None:
        return {}
    plain: dict[str, Any] = json.loads(json.dumps(schema_of(annotation), default=str))
    return plain
