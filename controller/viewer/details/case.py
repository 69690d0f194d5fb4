"""A case: one fed record and all that was done for it."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING, Any, Final

from blackboard.control_records import ACTIVATIONS, ESCALATIONS
from blackboard.errors import Corrupt
from controller.provenance import account
from controller.recollection import Recollection
from controller.viewer.details import case_text
from controller.viewer.details.moment import looked_into, standing_of
from controller.viewer.details.page import Page, Section, told

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blackboard.record import Record
    from controller.past import Past
    from controller.viewer.sight import Sight
    from controller.viewer.target import Target

MOST_DETAILED: Final = 200
"""activations that are told of in detail: each is looked at beside all others of its case"""


class CaseDetail(Page):
    """One case, told in the order in which its activations were decided."""

    def __init__(self, about: Target, sight: Sight) -> None:
        super().__init__(f"case {about.name}")
        self.about = about
        self._sight = sight
        self._details = False

    @property
    def actions(self) -> Mapping[str, str]:
        """Each step is told on one line, or with all that is known of it."""
        if len(self._sight.model.cases.get(self.about.name, {})) > MOST_DETAILED:
            return {}
        return {"why": "less" if self._details else "why"}

    async def load(self) -> None:
        """Read what explains its activations; raises what a read raises."""
        await looked_into(self._sight)
        case, model = self.about.name, self._sight.model
        of_case = dict(model.cases.get(case, {}))
        fed = self._sight.records.get(case)
        if not of_case and fed is None:
            none = told("no case of that name: a case is named by the key of its fed record", None, "warn")
            self.show(self.title, [Section("", [none], "head")])
            return
        asked = {identity: model.questions[identity] for identity in of_case if identity in model.questions}
        head, rest = await asyncio.to_thread(case_text.beside_the_story, case, fed, of_case, asked)
        self.show(self.title, [*head, await self._story(fed, of_case), *rest])

    def see(self, sight: Sight) -> None:
        self._sight = sight

    def concerns(self, key: str) -> bool:
        """The fed record, its activations and the questions about them."""
        if key == self.about.name:
            return True
        of_case = self._sight.model.cases.get(self.about.name, {})
        return key.startswith((ACTIVATIONS, ESCALATIONS)) and key.rpartition("/")[2] in of_case

    async def do(self, action: str) -> None:
        """Tell more of each step, or less."""
        if action in self.actions:
            self._details = not self._details
            await self.load()

    async def _story(self, fed: Record[Any] | None, of_case: Mapping[str, Record[Any]]) -> Section:
        if self._details and len(of_case) <= MOST_DETAILED:
            past = await Recollection(self._sight.board, standing_of(self._sight)).of_case(self.about.name)
            with contextlib.suppress(Corrupt):  # what was fed cannot be read, which is told where it stands
                return await asyncio.to_thread(_told, past, self.about.name)
        return await asyncio.to_thread(case_text.brief_story, fed, of_case)


def _told(past: Past, case: str) -> Section:
    return case_text.story(account(past, case))
