"""Which contributions wait for a person, and which decisions were critical.

Pure: the contribution and the settings go in, a verdict comes out.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal, TypeAlias, TypedDict

from blackboard.record import Record
from controller.supervision import HUMAN

if TYPE_CHECKING:
    from collections.abc import Iterable

    from blackboard.control_records import Activation, Proposal, Reversal
    from blackboard.pattern import Pattern
    from knowledge_sources.confidence import Approval

Verdict: TypeAlias = Literal["contribute", "let through", "ask", "unsure"]
"""Contribute; contribute although unsure; wait for a person; end as unsure, which the ladder of failure goes on with."""


class Marks(TypedDict, total=False):
    """What is added to the record of an activation whose contribution was looked at."""

    confidence: float
    because: str
    let_through: bool
    critical: list[str]
    compensation: Reversal
    proposal: Proposal


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """What holds for agents that say nothing themselves, and which records are critical.

    Without a ``threshold`` nobody is unsure.  ``critical`` are patterns: a contribution that writes what one of them
    matches is a critical decision, reviewed where a person had a part in it.
    """

    threshold: float | None = None
    approval: Approval = "unsure"
    critical: tuple[Pattern, ...] = ()
    always: bool = field(init=False)
    """whether a contribution that says nothing about itself is to be looked at, too"""

    def __post_init__(self) -> None:
        object.__setattr__(self, "always", self.approval == "always" or bool(self.critical))


def threshold_of(own: float | None, review: Review) -> float | None:
    """Under which confidence an agent is unsure whose own threshold is ``own``; ``None``: never."""
    return review.threshold if own is None else own


def verdict(approval: Approval | None, threshold: float | None, confidence: float | None, review: Review) -> Verdict:
    """What becomes of a contribution of an agent with this ``approval`` and ``threshold`` of its own.

    One that states no confidence is as sure as can be.
    """
    holding = approval or review.approval
    if holding == "always":
        return "ask"
    needed = threshold_of(threshold, review)
    if confidence is None or needed is None or confidence >= needed:
        return "contribute"
    return "let through" if holding == "never" else "unsure"


def critical_keys(
    patterns: Iterable[Pattern], writes: Iterable[tuple[str, bytes]], updated: Iterable[str] = ()
) -> list[str]:
    """The keys whose new records one of ``patterns`` matches, in the order of the writes.

    ``writes`` are keys with their packed records, empty for a removal, which is no decision.  ``updated`` are keys
    whose value is only known when it is committed: there the key alone counts.
    """
    patterns = tuple(patterns)
    if not patterns:
        return []
    found = [key for key, packed in writes if packed and _matches(patterns, key, packed)]
    return found + [key for key in updated if any(pattern.match_key(key) is not None for pattern in patterns)]


def note_decided(record: Activation, author: str, critical: list[str]) -> None:
    """Say in ``record`` what it means that ``author`` decided in the place of its agent.

    What the agent would have contributed, and what would have undone that, say nothing of what was decided.
    """
    record.pop("proposal", None)
    record.pop("compensation", None)
    record.pop("critical", None)
    if critical:
        record["critical"] = critical
    if author.partition("/")[0] == HUMAN:
        record["reviewed_by"] = author


def _matches(patterns: tuple[Pattern, ...], key: str, packed: bytes) -> bool:
    record: Record = Record(key, "", 0, 0, 0, packed)
    return any(pattern.match(record) is not None for pattern in patterns)
