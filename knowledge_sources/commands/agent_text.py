"""What there is to say of an agent: its entry in the registry, how it has done, and its breaker.

A document is the entry with ``performance`` and ``breaker`` beside it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blackboard.commands.record_view import instant
from blackboard.durations import format_duration
from blackboard.terminal import format_json

if TYPE_CHECKING:
    from collections.abc import Mapping


def status_of(document: Mapping[str, Any]) -> str:
    """Its status, with that of its breaker where it is not closed."""
    breaker = document["breaker"]
    if breaker is None or breaker["state"] == "closed":
        return str(document["status"])
    return f"{document['status']}, breaker {breaker['state'].replace('_', ' ')}"


def _breaker(breaker: Mapping[str, Any] | None) -> str:
    """What an agent's breaker is and why, where it was ever opened."""
    if breaker is None:
        return ""
    if breaker["state"] == "closed":
        return f"closed again: {breaker['reason']}"
    if breaker["state"] == "half_open":
        return f"half open, so that one call is let through; it had opened because {breaker['reason']}"
    return f"open since {instant(breaker['opened_ms'])} until {instant(breaker['until_ms'])}: {breaker['reason']}"


def _collected(clause: Mapping[str, Any]) -> str:
    many = f"{clause['at_least']} of {clause['of']}" if clause["of"] is not None else f"at least {clause['at_least']}"
    within = f" within {format_duration(clause['within_ms'])}" if clause["within_ms"] is not None else ""
    return f"{clause['pattern']}: {many}{within}" + (", each set" if clause["refire"] == "each" else "")


def agent_facts(document: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Everything that is known, by name, several lines where there are several of a kind; what is not is left out."""
    did = document["performance"]
    within, collects = document["respond_within_ms"], document.get("collects", {})
    after, every = document.get("after_ms"), document.get("every_ms")
    facts = [
        ("agent", f"{document['name']} ({document['kind']}, {status_of(document)})"),
        ("does", document["description"]),
        ("from", document["source"]),
        ("provides", ", ".join(document["capabilities"])),
        ("watches", "\n".join(f"{alias}: {pattern}" for alias, pattern in document["watches"].items())),
        ("collects", "\n".join(f"{alias}: {_collected(clause)}" for alias, clause in collects.items())),
        ("unless", "\n".join(document["unless"])),
        ("contributes", "\n".join(document["contributes"])),
        ("level", document["level"]),
        ("fires after", format_duration(after) if after else ""),
        ("fires every", format_duration(every) if every else ""),
        ("responds within", format_duration(within) if within else ""),
        ("then asks", " → ".join(document["escalate"])),
        ("over", ", ".join(document["over"])),
        ("may", ", ".join(document["authority"])),
        ("takes", "\n".join(f"{a}: {format_json(s)}" for a, s in document["input_schema"].items() if s)),
        ("gives", format_json(document["output_schema"]) if document["output_schema"] else ""),
        ("in reserve for", ", ".join(document.get("instead_of", ()))),
        ("breaker", _breaker(document["breaker"])),
        ("now", f"{did['running']} running, {did['waiting']} waiting"),
        ("so far", f"{did['executed']} executed, {did['failed_calls']} failed calls, {did['overruled']} overruled"),
        ("success", percent(did["success"])),
        ("median", milliseconds(did["median_ms"])),
        ("cost", f"{did['cost']:.4f} ({did['input_tokens']} tokens in, {did['output_tokens']} out)"),
        ("broken", document.get("error", "")),
    ]
    return [(name, text) for name, text in facts if text]


def percent(share: float | None) -> str:
    """A share for a person, ``""`` where there is none."""
    return "" if share is None else f"{share:.0%}"


def milliseconds(median: float | None) -> str:
    """A time in milliseconds for a person, ``""`` where there is none."""
    return "" if median is None else f"{median:.1f} ms"
