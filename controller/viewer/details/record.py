"""A record: its value, its versions and what changed between them, where it came from, and who watches it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from blackboard.control_records import ACTIVATIONS, AGENTS
from blackboard.errors import Corrupt
from blackboard.record import revision_of
from controller.provenance import explain
from controller.recollection import Recollection
from controller.viewer.details import record_text
from controller.viewer.details.moment import looked_into, revision_of_past, standing_of
from controller.viewer.details.page import Page, Section, told
from controller.viewer.details.record_text import Versions
from controller.viewer.details.sentences import sentence_entries
from controller.viewer.why_text import explanation_lines

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blackboard.log import Change
    from controller.past import Past
    from controller.viewer.details.page import Entry
    from controller.viewer.sight import Sight
    from controller.viewer.target import Target

AT_ONCE: Final = 30
"""versions that are read at once"""
DEPTH: Final = 20
"""levels of causes that are followed"""


class RecordDetail(Page):
    """One record of a board.  A version once chosen stays chosen when others come."""

    def __init__(self, about: Target, sight: Sight) -> None:
        super().__init__(about.name)
        self.about = about
        self._sight = sight
        self._chosen = about.commit
        """the commit of the version that is looked at, ``""`` for the newest"""
        self._versions: Versions | None = None
        self._diff = self._why = False
        self._causes: frozenset[str] = frozenset()
        """keys of the records that the explanation tells of"""

    @property
    def actions(self) -> Mapping[str, str]:
        """What can be done: look at other versions, at the changes, and at where it came from."""
        found: dict[str, str] = {}
        versions = self._versions
        if versions is not None:
            if versions.at + 1 < len(versions.changes) or not versions.whole:
                found["older"] = "older version"
            if versions.at:
                found["newer"] = "newer version"
            found["diff"] = "value" if self._diff else "diff"
        found["why"] = "less" if self._why else "why"
        return found

    async def load(self) -> None:
        """Read the versions, and what explains the chosen one where that is asked for; raises what a read raises."""
        await looked_into(self._sight)
        self._versions = await self._read_versions()
        await self._tell()

    def see(self, sight: Sight) -> None:
        self._sight = sight

    def concerns(self, key: str) -> bool:
        """A new version of it, an agent that may watch it, an activation that it set off, a cause that moved."""
        if key == self.about.name or key.startswith(AGENTS) or key in self._causes:
            return True
        if not key.startswith(ACTIVATIONS):
            return False
        activation = self._sight.model.activations.get(key.removeprefix(ACTIVATIONS))
        triggers = activation.value["triggers"] if activation is not None else ()
        return any(trigger[1] == self.about.name for trigger in triggers)

    async def do(self, action: str) -> None:
        """Choose another version, or show and hide the changes or the explanation."""
        if action not in self.actions:
            return
        if action == "diff":
            self._diff = not self._diff
        elif action == "why":
            self._why = not self._why
        else:
            await self._choose(1 if action == "older" else -1)
        await self._tell()

    async def _choose(self, step: int) -> None:
        versions = self._versions
        if versions is None:
            return
        if versions.at + step >= len(versions.changes):
            versions = await self._more(versions)
        at = min(versions.at + step, len(versions.changes) - 1)
        self._versions = versions._replace(at=at)
        self._chosen = versions.changes[at].commit if at else ""

    async def _more(self, versions: Versions) -> Versions:
        before = versions.changes[-1].previous_commit
        older = await self._sight.board.changes_back(self.about.name, before, AT_ONCE)
        return versions._replace(changes=[*versions.changes, *older], whole=_is_whole(older, AT_ONCE))

    async def _read_versions(self) -> Versions | None:
        """The newest versions; the older ones from the chosen one on, where that is not among them."""
        board, key = self._sight.board, self.about.name
        moment = revision_of_past(self._sight)
        if moment is not None and _revision(self._chosen) > moment:
            self._chosen = ""
        present = self._sight.model.get(key)
        if present is None:
            return await self._read_removed()
        known = self._versions
        if known is not None and known.changes[0].commit == present.commit:
            return known
        most = max(AT_ONCE, len(known.changes) if known is not None else 0)
        changes = await board.changes_back(key, present.commit, most)
        at = _place(changes, self._chosen)
        if at is None:
            changes, at = await board.changes_back(key, self._chosen, most) or changes, 0
        return Versions(changes, at, _is_whole(changes, most)) if changes else None

    async def _read_removed(self) -> Versions | None:
        """What the log tells of a record that is not there: its last commit has no name but there."""
        upto = revision_of_past(self._sight)
        history = await self._sight.board.history(self.about.name)
        changes = [change for change in reversed(history) if upto is None or change.revision <= upto]
        return Versions(changes, _place(changes, self._chosen) or 0, whole=True) if changes else None

    async def _tell(self) -> None:
        key, versions, model = self.about.name, self._versions, self._sight.model
        present = self._sight.records.get(key)
        if versions is None:
            none = told("it is not there, and the log holds no change of it", None, "warn")
            explained = [await self._explained()] if self._why else []
            self.show(key, [Section("", [none], "head"), *explained, *self._others()])
            return
        record = versions.chosen.record
        sections = [Section("", record_text.head(key, versions.chosen, present, model.agents), "head")]
        if self._why:
            sections.append(await self._explained())
        sections.append(await asyncio.to_thread(record_text.content, versions, diff=self._diff))
        sections.append(record_text.listed(key, versions))
        if record is not None:
            sections += [] if self._why else [record_text.causes(record, model.activations)]
            sections.append(record_text.effects(record, model.cases))
        version = f", version {record.version}" if record is not None else ", removed"
        self.show(f"{key}{version}", [*sections, *self._others()])

    def _others(self) -> list[Section]:
        present = self._sight.records.get(self.about.name)
        return record_text.watchers(self.about.name, present, self._sight.model.agents)

    async def _explained(self) -> Section:
        recollection = Recollection(self._sight.board, standing_of(self._sight))
        try:
            past = await recollection.of_record(self.about.name, DEPTH, self._chosen)
            self._causes = frozenset(past.present)
            entries = await asyncio.to_thread(_explanation, past, self.about.name, self._chosen)
        except Corrupt as error:
            entries = [told(error, None, "bad")]
        return Section("Why", entries)


def _explanation(past: Past, key: str, commit: str) -> list[Entry]:
    return sentence_entries(explanation_lines(explain(past, key, DEPTH, commit)))


def _is_whole(changes: list[Change], asked: int) -> bool:
    return len(changes) < asked or not changes[-1].previous_commit


def _revision(commit: str) -> int:
    """The revision in a commit's name, 0 where it is none: what names a cause is what somebody wrote."""
    try:
        return revision_of(commit)
    except ValueError:
        return 0


def _place(changes: list[Change], commit: str) -> int | None:
    if not commit:
        return 0
    return next((at for at, change in enumerate(changes) if change.commit == commit), None)
