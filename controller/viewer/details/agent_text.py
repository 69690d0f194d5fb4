"""What an agent's detail says of its entry in the registry, of how it has done, and of what it did last.

Pure: what was read goes in, sections come out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from blackboard.wording import first_line
from controller.viewer.details.activation_text import STATES
from controller.viewer.details.page import Entry, Section, fact, facts, told
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


def declared(
    entry: Record[Any], did: Performance, breaker: Record[Any] | None, agents: Mapping[str, Any]
) -> list[Section]:
    """Its entry, its figures and its breaker, and the agents that it has to do with."""
    value = entry.value
    document = {**value, "performance": did._asdict(), "breaker": breaker.value if breaker is not None else None}
    entries: list[Entry] = []
    for name, text in agent_facts(document):
        meaning = _meaning(name, value["status"], breaker)
        entries += facts(name, text.split("\n")[:MOST_LINES], meaning)
    entries.append(fact("record", entry.reference, Target("record", entry.key, entry.commit)))
    related = dict.fromkeys(
        name for name in (*value["escalate"], *value["over"], *value.get("instead_of", ())) if name in agents
    )
    others = [told(name, Target("agent", name)) for name in related]
    return [Section("", entries, "head"), Section("Works with", others)]


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
