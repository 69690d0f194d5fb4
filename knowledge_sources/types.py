"""The four types of agents of the literature, each as the options that it has where nothing else is said.

After S. Russell and P. Norvig, "Artificial Intelligence: A Modern Approach", chapter 2: what goes wrong with each is
what its defaults guard against.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Final, Literal, TypeAlias, get_args

from blackboard.errors import InvalidInput
from knowledge_sources.nearest import did_you_mean

if TYPE_CHECKING:
    from collections.abc import Mapping

AgentType: TypeAlias = Literal["reflex", "model", "goal", "utility"]

TYPES: Final[Mapping[AgentType, Mapping[str, Any]]] = MappingProxyType(
    {
        "reflex": {"rating": 1000.0},
        "model": {"logical": True},
        "goal": {"steps": 20},
        "utility": {"respond_within_ms": 30_000},
    }
)
"""What an agent of each type has: fires before others of its level; is made anew when what it read has changed; fires so
often for one case; has so long."""

NOT_SAID: Final[Mapping[str, Any]] = MappingProxyType(
    {"rating": 0.0, "logical": False, "steps": None, "respond_within_ms": None}
)
"""the same options where neither a type nor anybody says anything"""


def check_type(given: object) -> AgentType | None:
    """One of the four types, or ``None``."""
    names = get_args(AgentType)
    if given is None or given in names:
        return given  # type: ignore[return-value]  # it is one of them
    hint = did_you_mean(str(given), names) or f"; there is {', '.join(names)}"
    raise InvalidInput(f"type: {given!r} is no type of agent{hint}")


def retyped(former: AgentType | None, agent_type: AgentType | None, present: Mapping[str, Any]) -> dict[str, Any]:
    """What changes of ``present`` options where an agent of type ``former`` is to be of another.

    An option that says what its former type says, or what all say, says nothing of its own.
    """
    changes = {}
    for option, nothing in NOT_SAID.items():
        own = present[option]
        if callable(own) or own not in (nothing, TYPES[former].get(option, nothing) if former else nothing):
            continue
        value = TYPES[agent_type].get(option, nothing) if agent_type else nothing
        if value != own:
            changes[option] = value
    return changes


def defaults_of(agent_type: AgentType | None, said: Mapping[str, Any]) -> dict[str, Any]:
    """What an agent of that type has beside what is ``said`` of it, which wins."""
    if agent_type is None:
        return {}
    return {option: value for option, value in TYPES[agent_type].items() if option not in said}
