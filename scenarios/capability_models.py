"""Who stands in for whom: the agents of one capability in the order in which they are called."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from knowledge_sources.nearest import did_you_mean
from scenarios.fields import Model, Names, Switch

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping


class CapabilitySettings(Model):
    """The agents of a capability, the first to be called first; with ``reroute: off`` none but the first is."""

    agents: Annotated[Names, Field(min_length=1, max_length=64)]
    reroute: Switch = True


def instead_of(capabilities: Mapping[str, CapabilitySettings], agent: str) -> tuple[str, tuple[str, ...]]:
    """The capability that names ``agent``, and those before it there; ``""`` where none names it."""
    for capability, settings in capabilities.items():
        if agent in settings.agents:
            return capability, settings.agents[: settings.agents.index(agent)]
    return "", ()


def contradictions(
    capabilities: Mapping[str, CapabilitySettings], agents: Collection[str], *, more_may_join: bool
) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """What is wrong with ``capabilities`` beside the ``agents`` there are: path and reason."""
    claimed: dict[str, str] = {}
    for capability, settings in capabilities.items():
        path = ("capabilities", capability, "agents")
        for name in settings.agents:
            if name not in agents and not more_may_join:
                yield path, f"no agent is called {name!r}{did_you_mean(name, agents)}"
            if name in claimed:
                yield (
                    path,
                    f"{name!r} is named by {claimed[name]!r} already"
                    if claimed[name] != capability
                    else (f"{name!r} is named twice"),
                )
            claimed[name] = capability
