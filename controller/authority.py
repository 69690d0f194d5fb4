"""Who gives an order: what that one may order, over whom, and whose word counts more."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from controller.supervision import HUMAN

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.control_records import Agent, Override


class Authority(NamedTuple):
    """The author of an order.  A person has no level, is over everyone, and may order everything."""

    author: str
    rank: int
    """the higher counts more: a person's is 1, a supervisor's 0 at the highest level and less at each lower one"""
    over: frozenset[str]
    """names of agents and capabilities; empty is everyone"""

    @property
    def is_person(self) -> bool:
        return self.rank > 0

    def may_rule_on(self, agent: str, capability: str) -> bool:
        """Whether an order of this one can be about work of ``agent``: nobody rules on its own."""
        if self.is_person:
            return True
        return agent != self.author and (not self.over or agent in self.over or capability in self.over)


def is_person(author: str) -> bool:
    """Whether an order's author is a person: ``human`` or ``human/<name>``."""
    return author.partition("/")[0] == HUMAN


def authority_of(author: str, registered: Agent | None, levels: Sequence[str]) -> Authority | None:
    """The authority of ``author``; ``None`` for one that is neither a person nor a registered agent.

    ``registered`` is its entry in the registry, ``levels`` the priority levels, the most urgent first: one that
    is not among them counts as the last.
    """
    if is_person(author):
        return Authority(author, 1, frozenset())
    if registered is None or registered["status"] == "gone":
        return None
    level = registered["level"]
    place = levels.index(level) if level in levels else len(levels) - 1
    return Authority(author, -place, frozenset(registered["over"]))


def refusal_of(order: Override, authority: Authority | None, registered: Agent | None) -> str:
    """Why the author of ``order`` cannot give it, whatever it is about; ``""`` where nothing speaks against it."""
    verb, name = order["verb"], order["author"]
    if authority is None:
        return f"{verb}: {name} is not a registered agent"
    if authority.is_person or registered is None:
        return ""
    if verb not in registered["authority"]:
        allowed = ", ".join(registered["authority"]) or "nothing"
        return f"{verb}: {name} has no authority for it (it may order: {allowed})"
    return ""
