"""A question to a person in words: whose turn it is, and whether what it is about still stands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from blackboard.commands.record_view import instant, short_value

if TYPE_CHECKING:
    from collections.abc import Mapping


def whose_turn(question: Mapping[str, Any]) -> str:
    """Who is asked, until when, and what follows then."""
    told = [question["assignee"]] if "assignee" in question else []
    if question["status"] == "open" and "deadline_ms" in question:
        told.append(f"until {instant(question['deadline_ms'])}")
        told += [f"then {name}" for name in question.get("next_assignees", ())]
        told += [f"then the answer is {short_value(question['default'])}"] if "default" in question else []
    return ", ".join(told)


def moved(about: Mapping[str, Any]) -> str:
    """What to say behind a record that does not stand as it did when the question was asked."""
    if about["stands"]:
        return ""
    return " (changed since it was asked)" if about["value"] is not None else " (gone since it was asked)"
