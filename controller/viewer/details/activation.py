"""An activation: the decision that chose it, its calls, what it read and wrote, and its states over time.

One that has not fired has no record: then it is told from the agenda that is published, and from its agent's matches.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Final

from blackboard.control_records import ACTIVATIONS
from controller.recollection import Recollection
from controller.step import step_of
from controller.viewer.details import activation_text
from controller.viewer.details.matches import found_as
from controller.viewer.details.moment import looked_into, standing_of
from controller.viewer.details.page import Page
from controller.viewer.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blackboard.record import Record
    from controller.viewer.sight import Sight

MOST_VERSIONS: Final = 60
"""changes of its record that are looked back on"""


class ActivationDetail(Page):
    """One activation, named by its id or by a beginning that no other has."""

    def __init__(self, about: Target, sight: Sight) -> None:
        super().__init__(f"activation {about.name}")
        self.about = about
        self._sight = sight
        self._case = ""

    @property
    def actions(self) -> Mapping[str, str]:
        return {}

    async def load(self) -> None:
        """Read what explains it; raises what a read raises."""
        await looked_into(self._sight)
        found = self._found(self.about.name)
        if len(found) > 1:
            self.show(self.title, activation_text.several(self.about.name, found))
            return
        activation = found[0] if found else self.about.name
        self.about = Target("activation", activation)
        record = self._sight.model.activations.get(activation)
        if record is not None:
            await self._tell(activation, record)
        else:
            await self._tell_pending(activation)

    def see(self, sight: Sight) -> None:
        self._sight = sight

    def concerns(self, key: str) -> bool:
        """Its record, its progress, its question, and the others of its case."""
        if key.endswith(f"/{self.about.name}"):
            return True
        if not key:
            return self.about.name not in self._sight.model.activations
        if not key.startswith(ACTIVATIONS):
            return False
        other = self._sight.model.activations.get(key.removeprefix(ACTIVATIONS))
        return other is not None and other.value["case"] == self._case

    async def do(self, action: str) -> None:
        """Nothing can be done to what is looked at."""

    def _found(self, text: str) -> list[str]:
        """The ids that ``text`` is, or that begin with it."""
        known = self._sight.model.activations
        pending = _on_agenda(self._sight.model.agenda)
        if text in known or text in pending or not text:
            return [text]
        return sorted({one for one in (*known, *pending) if one.startswith(text)})

    async def _tell(self, activation: str, record: Record[Any]) -> None:
        board, model = self._sight.board, self._sight.model
        self._case = record.value["case"]
        past = await Recollection(board, standing_of(self._sight)).of_activation(activation)
        changes = await board.changes_back(record.key, record.commit, MOST_VERSIONS)
        if activation not in past.activations:  # removed while it was read about
            await self._tell_pending(activation)
            return
        step = await asyncio.to_thread(step_of, past, activation)
        sections = activation_text.sections(record, step, model.progress.get(activation), changes)
        title = activation_text.titled(record.value["agent"], self._case, record.value["state"])
        self.show(title, sections)

    async def _tell_pending(self, activation: str) -> None:
        """Nothing is written of it: it is told from the agenda, and from the matches of the agents."""
        model = self._sight.model
        agenda = model.agenda
        entry = _on_agenda(agenda).get(activation)
        apart = agenda["apart"].get(activation, "") if agenda is not None else ""
        names = [entry["agent"]] if entry is not None else sorted(model.agents)
        agents = [model.agents[name].value for name in names if name in model.agents]
        match = await found_as(self._sight, activation, agents)
        agent, case = (match.agent, match.case) if match is not None else ("", "")
        if entry is not None:
            agent, case = entry["agent"], entry["case"]
        self._case = case
        sections = activation_text.pending_sections(entry, apart, agent, case)
        title = activation_text.titled(agent, case, "pending") if agent else f"activation {activation}"
        self.show(title, [*sections, *(match.sections if match is not None else [])])


def _on_agenda(agenda: Mapping[str, Any] | None) -> dict[str, Mapping[str, Any]]:
    """What is published of each that waits, by activation."""
    if agenda is None:
        return {}
    return {entry["activation"]: entry for part in ("pending", "supervisors") for entry in agenda[part]}
