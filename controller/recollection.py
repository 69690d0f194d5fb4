"""Reads how a board's records came about, each thing once: a :class:`~controller.past.Past` to explain at leisure.

The records under ``control/`` say who fired and why; versions that were overwritten since, and removals, are
found in the log by the name of their commit.  No controller need run.
"""

from __future__ import annotations

import asyncio
import re
from collections import ChainMap
from typing import TYPE_CHECKING, Final

from blackboard.control_records import ACTIVATIONS, AGENTS, ATTENTION, ESCALATIONS, OVERRIDES, POSTS
from blackboard.control_shapes import is_sound, sound
from blackboard.errors import InvalidInput, InvalidName
from blackboard.keys import CONTROL_REGION, check_key
from blackboard.log import entry_of
from blackboard.scanning import scan_region
from blackboard.state import State
from controller.past import Past, Standing, causes_of, parsed, writers_of
from knowledge_sources.contribution import filled_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, MutableMapping

    from blackboard.board import Board
    from blackboard.control_records import Activation
    from blackboard.log import Change, Entry
    from blackboard.pattern import Pattern
    from blackboard.record import Record

MAX_RECORDS: Final = 2_000
"""records that one explanation follows causes to"""
MAX_QUESTIONS: Final = 20
"""times that one activation's questions are followed back"""
_COMMIT: Final = re.compile(r"[0-9]{1,18}-[0-9]{1,18}")


def _binds(pattern: Pattern, captures: Mapping[str, str], key: str) -> bool:
    try:
        return pattern.bind(captures) == key
    except InvalidInput:
        return False


def _is_key(text: str) -> bool:
    """Whether a record can be at ``text``: causes and triggers are what somebody wrote."""
    try:
        check_key(text)
    except InvalidName:
        return False
    return True


class Recollection:
    """Reads a board's past, each thing once.

    Where somebody has what stands already, such as a replica, ``standing`` saves the server the reading; without it
    it is now that is told of.
    """

    def __init__(self, board: Board, standing: Standing | None = None) -> None:
        self._board = board
        self._standing_known = standing
        self._entries: dict[str, Entry | None] = {}
        self._versions: dict[str, Record] = {}
        self._present: dict[str, Record | None] = {}
        self._removals: dict[str, Change] = {}
        self._activations: MutableMapping[str, Record] = {}
        self._overrides: Mapping[str, Record] = {}
        self._escalations: Mapping[str, Record] = {}
        self._agents: Mapping[str, Record] = {}
        self._cases: Mapping[str, Mapping[str, Record]] = {}
        self._lost: dict[str, Record] = {}
        """activations whose records are gone, as the log tells them"""
        self._questions: dict[str, tuple[Record, ...]] = {}

    async def of_record(self, key: str, depth: int, commit: str = "") -> Past:
        """Everything that explains the record at ``key``, its causes followed ``depth`` levels down.

        ``commit`` names the version that is meant; without it what stands there, or stood there last.
        """
        await self._take_control()
        root = await self._standing(check_key(key))
        if commit:
            root = await self._version(key, commit)
        elif root is None:
            root = await self._removed(key)
        if root is not None:
            await self._follow(root, depth)
        # Every activation is asked, which on a board of many takes its time: others go on meanwhile.
        aimed = await asyncio.to_thread(self._aimed_at, key) if self._present[key] is None else ()
        cases = {record.case for record in self._versions.values()} | {self._activations[one].case for one in aimed}
        of_cases = self._of_cases(cases - {""})
        return await self._past(of_cases, [one for of_case in of_cases.values() for one in of_case], aimed)

    async def of_case(self, case: str) -> Past:
        """Everything that explains what was done for ``case``."""
        await self._take_control()
        fed = await self._standing(case)
        if fed is not None:
            await self._origin_of(fed)
        of_cases = self._of_cases({case})
        written = {key for record in of_cases[case].values() for key in record.value.get("wrote", ())}
        await asyncio.gather(*(self._standing(key) for key in written))
        return await self._past(of_cases, of_cases[case], ())

    async def of_activation(self, activation: str) -> Past:
        """Everything that explains one activation; nothing where there is no record of it."""
        await self._take_control()
        record = self._activations.get(activation)
        if record is None:
            return await self._past({}, (), ())
        of_cases = self._of_cases({record.value["case"]})
        asked = [
            other
            for other, one in of_cases[record.value["case"]].items()
            if any(key.startswith(ATTENTION) and key.endswith(f"/{activation}") for _, key, _ in one.value["triggers"])
        ]
        return await self._past(of_cases, [activation, *asked], ())

    async def _take_control(self) -> None:
        known = self._standing_known if self._standing_known is not None else await self._read_control()
        # What is found in the log besides is written here, and not into what somebody else goes on using.
        self._activations = ChainMap(self._lost, dict(known.activations))
        self._overrides, self._escalations, self._agents = known.overrides, known.questions, known.agents
        self._cases = known.cases

    async def _read_control(self) -> Standing:
        activations: dict[str, Record] = {}
        overrides: dict[str, Record] = {}
        questions: dict[str, Record] = {}
        agents: dict[str, Record] = {}
        cases: dict[str, dict[str, Record]] = {}
        homes = ((ACTIVATIONS, activations), (OVERRIDES, overrides), (ESCALATIONS, questions), (AGENTS, agents))
        found = [record async for record in scan_region(self._board.store, CONTROL_REGION)]
        for record in sound(found):
            for prefix, home in homes:
                if record.key.startswith(prefix):
                    home[record.key[len(prefix) :]] = record
        for activation, record in activations.items():
            cases.setdefault(record.value["case"], {})[activation] = record
        return Standing(State({}, 0), activations, overrides, questions, agents, cases)

    def _of_cases(self, cases: Iterable[str]) -> dict[str, dict[str, Record]]:
        """The activations of each of ``cases``, those that only the log knows among them."""
        found = {case: dict(self._cases.get(case, {})) for case in cases}
        for activation, record in self._lost.items():
            found.setdefault(record.value["case"], {})[activation] = record
        return found

    def _aimed_at(self, key: str) -> tuple[str, ...]:
        writers = {name: writers_of(record.value, key) for name, record in self._agents.items()}
        aims = {name: patterns for name, patterns in writers.items() if patterns}
        return tuple(
            activation
            for activation, record in self._activations.items()
            if any(_binds(pattern, record.value["captures"], key) for pattern in aims.get(record.value["agent"], ()))
        )

    async def _past(
        self, of_cases: Mapping[str, Mapping[str, Record]], told: Iterable[str], aimed: tuple[str, ...]
    ) -> Past:
        """What was gathered, with the questions and the supervisors' grounds of the activations ``told`` of."""
        records = {activation: self._activations[activation] for activation in told}
        grounds = [
            (key, commit)
            for record in records.values()
            for _, key, commit in record.value["triggers"]
            if key.startswith(ATTENTION)
        ]
        for record in records.values():  # a person's choice is named with its commit: the flow has been written over
            key, at, commit = (record.value["decision"]["override"] or "").partition("@")
            if at:
                grounds.append((key, commit))
        await asyncio.gather(*(self._version(key, commit) for key, commit in grounds))
        asked = [self._escalations[activation] for activation in records if activation in self._escalations]
        await asyncio.gather(*(self._questions_of(record) for record in asked))
        late = {
            activation: await self._late(record)
            for activation, record in records.items()
            if "collected" in record.value
        }
        return Past(
            self._versions, self._present, self._removals, self._activations, self._overrides, self._questions,
            self._agents, late, aimed, of_cases,
        )  # fmt: skip

    async def _late(self, activation: Record) -> tuple[Record, ...]:
        """What has come to what ``activation`` collected and is not among its triggers."""
        record: Activation = activation.value
        agent = self._agents.get(record["agent"])
        collects = agent.value.get("collects", {}) if agent is not None else {}
        taken = {key for _, key, _ in record["triggers"]}
        found: dict[str, Record] = {}
        for alias in record.get("collected", {}):
            if alias in collects:
                pattern = filled_pattern(collects[alias]["pattern"], record["captures"])
                for one in parsed([pattern]):
                    found |= {late.key: late for late in await self._find(one) if late.key not in taken}
        return tuple(sorted(found.values(), key=lambda one: one.revision))

    async def _find(self, pattern: Pattern) -> list[Record]:
        known = self._standing_known
        return await self._board.find(pattern) if known is None else known.records.find(pattern)

    async def _questions_of(self, last: Record) -> None:
        """Follow the question at one key back: it is put anew each time its activation fails again."""
        found = [last]
        while found[-1].version > 1 and len(found) < MAX_QUESTIONS:
            change = await self._change(last.key, found[-1].commit)
            if change is None or not change.previous_commit:
                break
            before = await self._change(last.key, change.previous_commit)
            if before is None or before.record is None:
                break
            found.append(before.record)
        self._questions[last.key[len(ESCALATIONS) :]] = tuple(reversed(found))

    async def _follow(self, root: Record, depth: int) -> None:
        """Read the causes of ``root``, level by level."""
        level: list[Record] = [root]
        for remaining in range(depth, -1, -1):
            await asyncio.gather(*(self._origin_of(record) for record in level))
            if not remaining:
                return
            room = max(0, MAX_RECORDS - len(self._versions))
            causes = {cause for record in level for cause in causes_of(record, self._activations)}
            wanted = causes - self._versions.keys()
            level = await self._find_versions(sorted(wanted)[:room])
            if not level:
                return

    async def _find_versions(self, references: Iterable[str]) -> list[Record]:
        pairs = [reference.rpartition("@") for reference in references]
        found = await asyncio.gather(*(self._version(key, commit) for key, _, commit in pairs))
        return [record for record in found if record is not None]

    async def _origin_of(self, record: Record) -> None:
        """The commit that wrote ``record`` wrote its activation, whose record may be gone since, or a person's reason."""
        if not record.activation:
            if await self._standing(POSTS + record.key) is not None:
                await self._version(POSTS + record.key, record.commit)
        elif record.activation not in self._activations:
            change = await self._change(ACTIVATIONS + record.activation, record.commit)
            if change is not None and change.record is not None:
                self._lost[record.activation] = change.record

    async def _standing(self, key: str) -> Record | None:
        if key not in self._present:
            record = self._present[key] = await self._get(key) if _is_key(key) else None
            if record is not None:
                self._versions[record.reference] = record
        return self._present[key]

    async def _get(self, key: str) -> Record | None:
        known = self._standing_known
        return await self._board.get(key) if known is None else known.records.get(key)

    async def _version(self, key: str, commit: str) -> Record | None:
        if not _COMMIT.fullmatch(commit):
            return None
        record = await self._standing(key)
        if record is not None and record.commit == commit:
            return record if is_sound(record) else None
        change = await self._change(key, commit)
        if change is None or change.record is None:
            return None
        self._versions[change.record.reference] = change.record
        return change.record

    async def _removed(self, key: str) -> Record | None:
        """The last version of a record that is gone; notes who removed it."""
        known = self._standing_known
        upto = known.revision if known is not None else None
        changes = [one for one in await self._board.history(key) if upto is None or one.revision <= upto]
        if not changes or changes[-1].record is not None:
            return None
        self._removals[key] = changes[-1]
        last = next((change.record for change in reversed(changes) if change.record is not None), None)
        if last is not None:
            self._versions[last.reference] = last
        return last

    async def _change(self, key: str, commit: str) -> Change | None:
        """What ``commit`` did to ``key``; ``None`` where the log no longer holds it, or not as the runtime writes it."""
        if commit not in self._entries:
            self._entries[commit] = await entry_of(self._board.store, commit)
        entry = self._entries[commit]
        change = next((change for change in entry.changes if change.key == key), None) if entry is not None else None
        if change is not None and change.record is not None and not is_sound(change.record):
            return None
        return change
