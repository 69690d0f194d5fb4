"""What an agent's detail says of its entry in the registry, of how it has done, and of what it did last.

Pure: what was read goes in, sections come out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from blackboard.wording import first_line
from controller.viewer.details.activation_text import STATES
from controller.viewer.details.page import Entry, Section, fact, facts, told
from controller.viewer.details.value_text import one_line
from controller.viewer.line import line, said
from controller.viewer.target import Target
from knowledge_sources.commands.agent_text import agent_facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from blackboard.control_records import Activation
    from blackboard.record import Record
    from controller.viewer.line import Meaning
    from knowledge_sources.performance import Performance

MOST_LINES: Final = 40
"""of one fact, such as a traceback"""
MOST_FIELDS: Final = 30
"""of a schema"""
MOST_SCHEMA: Final = 200
"""characters of a schema without fields"""
FIRST: Final = ("agent", "does", "breaker", "broken", "now", "so far", "success", "median", "cost")
"""what one wants to know first"""
SCHEMAS: Final = ("takes", "gives")


def head(entry: Record[Any], did: Performance, breaker: Record[Any] | None) -> Section:
    """Who it is, how it does, and what is wrong with it."""
    entries: list[Entry] = []
    for name, text in agent_facts(_document(entry, did, breaker)):
        if name in FIRST:
            meaning = _meaning(name, entry.value["status"], breaker)
            entries += facts(name, text.split("\n")[:MOST_LINES], meaning)
    return Section("", entries, "head")


def declared(entry: Record[Any], did: Performance, agents: Mapping[str, Any]) -> list[Section]:
    """What it watches, writes, takes and gives, and the agents that it has to do with."""
    value = entry.value
    entries: list[Entry] = []
    for name, text in agent_facts(_document(entry, did, None)):
        if name in SCHEMAS:
            continue
        if name not in FIRST:
            entries += facts(name, text.split("\n")[:MOST_LINES])
    entries += facts("takes", [f"{alias}: {schema_words(one)}" for alias, one in value["input_schema"].items() if one])
    if value["output_schema"]:
        entries.append(fact("gives", schema_words(value["output_schema"])))
    entries.append(fact("record", entry.reference, Target("record", entry.key, entry.commit)))
    related = dict.fromkeys(
        name for name in (*value["escalate"], *value["over"], *value.get("instead_of", ())) if name in agents
    )
    others = [told(name, Target("agent", name)) for name in related]
    return [Section("Declares", entries), Section("Works with", others)]


def schema_words(schema: object) -> str:
    """A JSON Schema in a few words: its fields with their types, those that may be left out in brackets."""
    properties = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(schema, dict) or not isinstance(properties, dict) or not properties:
        return one_line(schema, MOST_SCHEMA)
    required = schema.get("required")
    needed = {one for one in required if isinstance(one, str)} if isinstance(required, list) else set()
    words = []
    for name, one in list(properties.items())[:MOST_FIELDS]:
        field = f"{name} {_type_of(one)}".rstrip()
        words.append(field if name in needed else f"[{field}]")
    more = len(properties) - len(words)
    return ", ".join(words) + (f" and {more:,} more" if more else "")


def _type_of(schema: object) -> str:
    if not isinstance(schema, dict):
        return ""
    several = schema.get("anyOf")
    if isinstance(several, list):
        return " or ".join(filter(None, map(_type_of, several[:MOST_FIELDS])))
    kind = schema.get("type", "")
    return kind if isinstance(kind, str) else ""


def _document(entry: Record[Any], did: Performance, breaker: Record[Any] | None) -> dict[str, Any]:
    return {**entry.value, "performance": did._asdict(), "breaker": breaker.value if breaker is not None else None}


def _meaning(name: str, status: str, breaker: Record[Any] | None) -> Meaning:
    if name == "broken" or (name == "agent" and status == "broken"):
        return "bad"
    if name == "breaker" and breaker is not None and breaker.value["state"] != "closed":
        return "warn"
    return ""


def last_activations(records: Iterable[Record[Any]]) -> Section:
    """What it did last; ``records`` are the newest first."""
    return Section("Its last activations", [activation_line(record) for record in records], "last")


def activation_line(record: Record[Any]) -> Entry:
    """One activation on a line: its state, its case and why it ended as it did."""
    value: Activation = record.value
    state = value["state"]
    reason = f": {first_line(value['reason'])}" if value.get("reason") else ""
    shown = line(said(f"{state:<10}", STATES.get(state, "")), said(f" {value['case']}{reason}", "link"))
    return Entry(shown, Target("activation", record.key.rpartition("/")[2]), indent=12, moment_ms=record.time_ms)


def unknown(name: str, agents: Iterable[str]) -> list[Section]:
    """There is none of that name, and which there are."""
    others = [told(one, Target("agent", one)) for one in sorted(agents)]
    return [
        Section("", [told(f"no agent {name!r} is registered on this board", None, "warn")], "head"),
        Section("Registered are", others, "others"),
    ]
