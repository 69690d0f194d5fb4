"""How each pending entry stands: what it is scored by, and whether it could fire now or what it waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

from controller.entry import FOREVER
from controller.grouping import keys_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from controller.agenda import Agenda
    from controller.entry import Entry

Prospect: TypeAlias = Literal["ready", "delayed", "blocked", "waiting", "outside", "held"]
"""``blocked``: its agent or group may not fire now; ``waiting``: for a budget, or for records that it collects; ``outside``: of the focus."""


class Outlook(NamedTuple):
    """One entry and its prospect; ``because`` are sentences, none for one that is ready."""

    entry: Entry
    agenda: Agenda
    state: Prospect
    because: tuple[str, ...] = ()

    def document(self, levels: tuple[str, ...], now_ms: int) -> dict[str, Any]:
        """What of it stays as it is while time passes, as JSON can say it."""
        entry, policy, shares = self.entry, self.agenda.policy, self.agenda.shares
        lift = self.agenda.overrides.get(entry.activation)
        level = policy.level_of(entry, now_ms) if lift is None else policy.level_of(entry, now_ms, lift)
        document: dict[str, Any] = {
            "activation": entry.activation,
            "agent": entry.agent,
            "case": entry.case,
            "level": levels[level],
            "rating": entry.rating,
            "eligible_ms": entry.eligible_ms,
            "attempt": entry.attempt,
            "state": self.state,
            "because": list(self.because),
        }
        if lift is None and level < entry.level:
            document["promoted_from"] = levels[entry.level]
        if shares is not None:
            document["flow"], document["share"] = entry.flow, shares.tag(level, entry.flow)
        if lift is not None:
            document["override"] = lift.key
        if now_ms < entry.not_before_ms < FOREVER:
            document["not_before_ms"] = entry.not_before_ms
        return document


def outlooks(agenda: Agenda, limit: int, now_ms: int, shortfall: Callable[[str], str] = lambda _: "") -> list[Outlook]:
    """The first ``limit`` entries of ``agenda`` in firing order, those that could not fire now among them.

    ``shortfall`` says of an activation that has not what it collects what it lacks.
    """
    return [_of(agenda, entry, now_ms, shortfall) for entry in agenda.first(limit, now_ms)]


def _of(agenda: Agenda, entry: Entry, now_ms: int, shortfall: Callable[[str], str]) -> Outlook:
    blocked = agenda.blocked
    because = tuple(reason for key in keys_of(entry.lane) if key in blocked for reason in sorted(blocked[key]))
    if entry.not_before_ms >= FOREVER:
        lacks = shortfall(entry.activation) or "it has not got what it collects"
        return Outlook(entry, agenda, "waiting", (lacks, *because))
    if entry.not_before_ms > now_ms:
        return Outlook(entry, agenda, "delayed", because)
    return Outlook(entry, agenda, "blocked" if because else "ready", because)
