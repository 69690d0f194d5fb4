"""An agent: what it declares, how it does, what it did last, and why it does not fire."""

from __future__ import annotations

import asyncio
from heapq import nlargest
from typing import TYPE_CHECKING, Any, Final

from blackboard.control_records import ACTIVATIONS, AGENTS, BREAKERS
from blackboard.errors import Corrupt, InvalidInput
from blackboard.keys import region_of
from controller.viewer.details import agent_text
from controller.viewer.details.matches import explained, regions_of
from controller.viewer.details.moment import looked_into
from controller.viewer.details.page import Page, Section, told
from controller.viewer.tally import Tally

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blackboard.record import Record
    from controller.viewer.sight import Sight
    from controller.viewer.target import Target

MOST_ACTIVATIONS: Final = 20


class AgentDetail(Page):
    """One agent of the registry, whether a controller runs or not."""

    def __init__(self, about: Target, sight: Sight) -> None:
        super().__init__(f"agent {about.name}")
        self.about = about
        self._sight = sight
        self._why = self._told = False
        """whether what keeps it from firing is to be told, and whether it is"""
        self._regions: frozenset[str] = frozenset()
        """of the records that count for whether it fires"""

    @property
    def actions(self) -> Mapping[str, str]:
        """What keeps it from firing is searched for where that is asked: on a large board it takes a second."""
        return {"why": "less" if self._why else "why not"}

    async def load(self) -> None:
        """Take what the model shows, and search for what keeps it from firing; never raises for a hostile entry."""
        await looked_into(self._sight)
        model, name = self._sight.model, self.about.name
        entry = model.agents.get(name)
        if entry is None:
            self.show(self.title, agent_text.unknown(name, model.agents))
            return
        did = model.tallies.get(name, Tally()).performance
        head = agent_text.head(entry, did, model.breakers.get(name))
        rest = agent_text.declared(entry, did, model.agents)
        self._regions = frozenset(regions_of(entry.value))
        if self._why:
            if not self._told:  # the rest is known already
                self.show(self.title, [head, Section("Why it does not fire", [told("looking …", None, "dim")]), *rest])
            rest = [*await self._why_not(entry), *rest]
        self._told = self._why
        last = await asyncio.to_thread(_last_of, name, list(model.activations.values()))
        self.show(self.title, [head, *rest, agent_text.last_activations(last)])

    def see(self, sight: Sight) -> None:
        self._sight = sight

    def concerns(self, key: str) -> bool:
        """Its entry, its breaker, its activations, the agenda, and the records that it watches."""
        name = self.about.name
        if not key:
            return self._why
        if key in (AGENTS + name, BREAKERS + name):
            return True
        if key.startswith(ACTIVATIONS):
            activation = self._sight.model.activations.get(key.removeprefix(ACTIVATIONS))
            return activation is not None and activation.value["agent"] == name
        return self._why and region_of(key) in self._regions

    async def do(self, action: str) -> None:
        """Leave out why it does not fire, or tell it again."""
        if action == "why":
            self._why = not self._why
            await self.load()

    async def _why_not(self, entry: Record[Any]) -> list[Section]:
        try:
            return await explained(self._sight, entry.value)
        except (Corrupt, InvalidInput) as error:
            return [Section("Why it does not fire", [told(error, None, "bad")], "why-not")]


def _last_of(agent: str, activations: list[Record[Any]]) -> list[Record[Any]]:
    """The activations of ``agent`` that were written last, the newest first."""
    own = (record for record in activations if record.value["agent"] == agent)
    return nlargest(MOST_ACTIVATIONS, own, key=lambda record: record.revision)
