"""A question to a person, with everything that one needs to answer it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from blackboard.errors import InvalidInput
from controller.viewer.details import question_text
from controller.viewer.details.activation_text import MOST_NAMED
from controller.viewer.details.moment import looked_into
from controller.viewer.details.page import Page
from controller.viewer.details.question_text import About
from controller.viewer.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blackboard.record import Record
    from controller.viewer.sight import Sight


class QuestionDetail(Page):
    """One question, named by its id, by a beginning of it that no other has, or by its case."""

    def __init__(self, about: Target, sight: Sight) -> None:
        super().__init__(f"question {about.name}")
        self.about = about
        self._sight = sight
        self._keys: frozenset[str] = frozenset()
        """of the records that it is about"""

    @property
    def actions(self) -> Mapping[str, str]:
        return {}

    async def load(self) -> None:
        """Read the records that it is about, as they were; raises what a read raises."""
        await looked_into(self._sight)
        found = self._found(self.about.name)
        if len(found) != 1:
            self.show(self.title, question_text.several(found) if found else question_text.unknown())
            return
        ((identity, question),) = found.items()
        self.about = Target("question", identity)
        activation = self._sight.model.activations.get(question.value["activation"])
        references = [(key, commit) for key, commit in question.value["context"]]
        if not references and activation is not None:
            references = [(key, commit) for _, key, commit in activation.value["triggers"]]
        self._keys = frozenset(key for key, _ in references)
        shown = references[:MOST_NAMED]
        about = await asyncio.gather(*(self._about(key, commit) for key, commit in shown))
        title = f"{question.value['agent']} asks about {question.value['case']}"
        self.show(title, question_text.sections(question, activation, about))

    def see(self, sight: Sight) -> None:
        self._sight = sight

    def concerns(self, key: str) -> bool:
        """The question itself, the activation that waits for it, and the records that it is about."""
        return key.endswith(f"/{self.about.name}") or key in self._keys

    async def do(self, action: str) -> None:
        """Answering is a deed of the screen."""

    def _found(self, text: str) -> dict[str, Record[Any]]:
        asked = self._sight.model.questions
        if text in asked:
            return {text: asked[text]}
        found = {one: record for one, record in asked.items() if record.value["case"] == text}
        found = found or {one: record for one, record in asked.items() if text and one.startswith(text)}
        still_open = {one: record for one, record in found.items() if record.value["status"] == "open"}
        return still_open if len(still_open) == 1 else found

    async def _about(self, key: str, commit: str) -> About:
        now = self._sight.records.get(key)
        if now is not None and now.commit == commit:
            return About(key, commit, now, now)
        try:
            change = await self._sight.board.change_at(key, commit)
        except InvalidInput:  # what is written there is no key
            return About(key, commit, None, now)
        return About(key, commit, change.record if change is not None else None, now)
