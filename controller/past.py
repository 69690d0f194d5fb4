"""What a board remembers of how its records came about, read once so that it can be explained at leisure.

The records under ``control/`` say who fired and why; versions that were overwritten since, and removals, are
found in the log by the name of their commit.  No controller need run.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from blackboard.control_records import ACTIVATIONS, AGENTS, ATTENTION, ESCALATIONS, OVERRIDES
from blackboard.control_shapes import is_sound, sound
from blackboard.keys import CONTROL_REGION
from blackboard.log import parse_entry
from blackboard.pattern import Pattern
from blackboard.scanning import scan_region
from knowledge_sources.contribution import filled_pattern

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from blackboard.board import Board
    from blackboard.control_records import Activation, Agent
    from blackboard.log import Change, Entry
    from blackboard.record import Record

MAX_RECORDS: Final = 2_000
"""records that one explanation follows causes to"""
MAX_QUESTIONS: Final = 20
"""times that one activation's questions are followed back"""


@dataclass(frozen=True, slots=True)
class Past:
    """Records by reference (``key@commit``), what stands now, and the control records by activation."""

    versions: Mapping[str, Record]
    """every version that was asked for and found"""
    present: Mapping[str, Record | None]
    """key → what stands there now, of the keys that were asked for"""
    removals: Mapping[str, Change] = field(default_factory=dict)
    """key → how the record that is not there any more was removed"""
    activations: Mapping[str, Record] = field(default_factory=dict)
    """by id"""
    overrides: Mapping[str, Record] = field(default_factory=dict)
    """by id, which for a supervisor's is that of its activation"""
    questions: Mapping[str, tuple[Record, ...]] = field(default_factory=dict)
    """activation → its question each time it was put or answered, the oldest first"""
    agents: Mapping[str, Record] = field(default_factory=dict)
    """by name"""
    late: Mapping[str, tuple[Record, ...]] = field(default_factory=dict)
    """activation → records that match what it collected and are no part of it, the earliest first"""
    aimed: tuple[str, ...] = ()
    """activations that would write, or would have written, the record that was asked for and is not there"""
    by_case: Mapping[str, Mapping[str, Record]] = field(init=False, default_factory=dict)
    """case → its activations by id"""

    def __post_init__(self) -> None:
        cases: dict[str, dict[str, Record]] = {}
        for activation, record in self.activations.items():
            cases.setdefault(record.case, {})[activation] = record
        object.__setattr__(self, "by_case", cases)


def writers_of(agent: Agent, key: str) -> list[Pattern]:
    """The patterns by which ``agent`` may write ``key``."""
    patterns = [Pattern.parse(text) for text in agent["contributes"]]
    return [pattern for pattern in patterns if pattern.match_key(key) is not None]


def causes_of(record: Record, activations: Mapping[str, Record]) -> tuple[str, ...]:
    """What ``record`` came from, as ``key@commit``: what its stamp says, else what triggered its activation."""
    if record.causes or record.activation not in activations:
        return tuple(dict.fromkeys(record.causes))
    return tuple(f"{key}@{commit}" for _, key, commit in activations[record.activation].value["triggers"])


class Recollection:
    """Reads a board's past, each thing once."""

    def __init__(self, board: Board) -> None:
        self._board = board
        self._entries: dict[str, Entry | None] = {}
        self._versions: dict[str, Record] = {}
        self._present: dict[str, Record | None] = {}
        self._removals: dict[str, Change] = {}
        self._activations: dict[str, Record] = {}
        self._overrides: dict[str, Record] = {}
        self._escalations: dict[str, Record] = {}
        self._agents: dict[str, Record] = {}
        self._questions: dict[str, tuple[Record, ...]] = {}

    async def of_record(self, key: str, depth: int) -> Past:
        """Everything that explains the record at ``key``, its causes followed ``depth`` levels down."""
        await self._read_control()
        root = await self._standing(key)
        if root is None:
            root = await self._removed(key)
        if root is not None:
            await self._follow(root, depth)
        aimed = self._aimed_at(key) if self._present[key] is None else ()
        cases = {record.case for record in self._versions.values()} | {self._activations[one].case for one in aimed}
        return await self._past(cases - {""}, aimed)

    async def of_case(self, case: str) -> Past:
        """Everything that explains what was done for ``case``."""
        await self._read_control()
        await self._standing(case)
        of_case = [record.value for record in self._activations.values() if record.case == case]
        await asyncio.gather(*(self._standing(key) for one in of_case for key in one.get("wrote", ())))
        return await self._past({case}, ())

    async def _read_control(self) -> None:
        homes = (
            (ACTIVATIONS, self._activations),
            (OVERRIDES, self._overrides),
            (ESCALATIONS, self._escalations),
            (AGENTS, self._agents),
        )
        found = [record async for record in scan_region(self._board.store, CONTROL_REGION)]
        for record in sound(found):
            for prefix, home in homes:
                if record.key.startswith(prefix):
                    home[record.key[len(prefix) :]] = record

    def _aimed_at(self, key: str) -> tuple[str, ...]:
        aims = {name: writers_of(record.value, key) for name, record in self._agents.items()}
        return tuple(
            activation
            for activation, record in self._activations.items()
            if any(pattern.bind(record.value["captures"]) == key for pattern in aims.get(record.value["agent"], ()))
        )

    async def _past(self, cases: set[str], aimed: tuple[str, ...]) -> Past:
        """What was gathered, with the questions and the supervisors' grounds in ``cases``."""
        of_cases = [record for record in self._activations.values() if record.case in cases]
        grounds = [
            (key, commit)
            for record in of_cases
            for _, key, commit in record.value["triggers"]
            if key.startswith(ATTENTION)
        ]
        for record in of_cases:  # a person's choice is named with its commit: the flow has been written over since
            key, at, commit = (record.value["decision"]["override"] or "").partition("@")
            if at:
                grounds.append((key, commit))
        await asyncio.gather(*(self._version(key, commit) for key, commit in grounds))
        asked = [r for r in self._escalations.values() if r.case in cases]
        await asyncio.gather(*(self._questions_of(record) for record in asked))
        return Past(
            self._versions, self._present, self._removals, self._activations, self._overrides, self._questions,
            self._agents, {record.key[len(ACTIVATIONS) :]: await self._late(record) for record in of_cases
                           if "collected" in record.value}, aimed,
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
                found |= {one.key: one for one in await self._board.find(pattern) if one.key not in taken}
        return tuple(sorted(found.values(), key=lambda one: one.revision))

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
            await asyncio.gather(*(self._activation_of(record) for record in level))
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

    async def _activation_of(self, record: Record) -> None:
        """An activation's record may have been removed since; the commit that wrote ``record`` wrote it too."""
        if record.activation and record.activation not in self._activations:
            change = await self._change(ACTIVATIONS + record.activation, record.commit)
            if change is not None and change.record is not None:
                self._activations[record.activation] = change.record

    async def _standing(self, key: str) -> Record | None:
        if key not in self._present:
            record = self._present[key] = await self._board.get(key)
            if record is not None:
                self._versions[record.reference] = record
        return self._present[key]

    async def _version(self, key: str, commit: str) -> Record | None:
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
        changes = await self._board.history(key)
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
            store = self._board.store
            raw: Any = await store.read("XRANGE", store.keys.log, commit, commit)
            self._entries[commit] = parse_entry(raw[0]) if raw else None
        entry = self._entries[commit]
        change = next((change for change in entry.changes if change.key == key), None) if entry is not None else None
        if change is not None and change.record is not None and not is_sound(change.record):
            return None
        return change
