"""The help: every key with what it does, those that can be used now first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from controller.viewer.keys import KEYS
from controller.viewer.line import Span, cut, line
from controller.viewer.plain_detail import Entry, PlainDetail

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

NOTES = (
    "A filter is a word (amount), a pattern (refund/* where amount > 5) or a condition (level == 'high').",
    "The past is a revision (120), a step (-10), a commit (2-120), a snapshot's name, a time (10:47:30) or 'oldest'.",
    "A view, a record, an agent or a case: board, refund/R-7, agent gateway, case return/R-7, activation 7ad6ab01.",
)
"""what the prompts of / t and : take"""


def help_for(view: str, usable: Collection[str]) -> PlainDetail:
    """The help for ``view``, in which the actions ``usable`` can be done now."""
    return PlainDetail(f"Help · {view}", list(_entries(usable)))


def _entries(usable: Collection[str]) -> Iterator[Entry]:
    for key in KEYS:
        here = key.action in usable
        yield Entry(
            key.action,
            line(Span(cut(key.shown, 11), "name" if here else "dim"), Span(key.help, "" if here else "dim")),
        )
    yield Entry("", ())
    for question, note in zip("/t:", NOTES, strict=True):
        yield Entry(f"note {question}", line(Span(cut(question, 11), "name"), Span(note, "dim")))
    yield Entry("1", line(Span(cut("1 … 6", 11), "name"), Span("the views by their number", "dim")))
