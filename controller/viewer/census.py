"""How the cases of a board stand, kept up as they change: the classes of :mod:`scenarios.report`, told while it runs."""

from __future__ import annotations

from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

from blackboard.control_records import ACTIVATIONS, ESCALATIONS
from blackboard.errors import Corrupt
from blackboard.keys import region_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from blackboard.control_records import Activation, State
    from blackboard.log import Change
    from blackboard.record import Record
    from controller.viewer.model import Model

Standing: TypeAlias = Literal["completed", "awaiting a person", "failed", "going on", "untouched"]
STANDINGS: Final[tuple[Standing, ...]] = ("completed", "awaiting a person", "failed", "going on", "untouched")
GOING_ON, ESCALATED, GIVEN_UP, EXECUTED, NOTHING, ASKED, ANSWERED = range(7)
"""what one activation, or one question (``ASKED`` while it is open), is to its case: a place in its :data:`Parts`"""
Parts: TypeAlias = list[int]
"""how many of each kind a case has"""
PARTS: Final[Mapping[State, int]] = {
    "running": GOING_ON, "pending": GOING_ON, "held": GOING_ON, "proposed": GOING_ON, "failed": GOING_ON,
    "escalated": ESCALATED, "abandoned": GIVEN_UP, "cancelled": GIVEN_UP, "executed": EXECUTED,
}  # fmt: skip


OF_CASES: Final = (ACTIVATIONS, ESCALATIONS)
A_CALL: Final = 2_000
"""keys that are looked at in one call"""


class Template(NamedTuple):
    """Where cases are fed: the segments of a key, ``""`` for any text.  The first is the region."""

    segments: tuple[str, ...]
    free: bool
    """whether all but the first may be any text"""

    @classmethod
    def of(cls, run: Any) -> Template | None:
        """The one of the scenario that is run, ``None`` where it says none."""
        text = run["settings"].get("document", {}).get("case") if run is not None else None
        if not isinstance(text, str) or "/" not in text:
            return None
        segments = tuple("" if "{" in segment else segment for segment in text.split("/"))
        return cls(segments, not any(segments[1:]))

    def fits(self, key: str) -> bool:
        """Whether what is at ``key``, a key of the region, was fed as a case."""
        if key.count("/") != len(self.segments) - 1:
            return False
        return self.free or all(w in ("", found) for w, found in zip(self.segments, key.split("/"), strict=True))

    def among(self, keys: Iterable[str]) -> list[str]:
        """Those of ``keys``, keys of the region, that fit."""
        slashes = len(self.segments) - 1
        found = [key for key in keys if key.count("/") == slashes]
        return found if self.free else [key for key in found if self.fits(key)]


class Census:
    """Counts of cases: what activations and questions name, and each record where cases are fed.

    Many changes are taken in a part at a time; until then the counts are of what was seen.
    """

    def __init__(self, model: Model) -> None:
        self.busy = False
        """whether the last call of :meth:`refresh` left something for the next"""
        self.asked: set[str] = set()
        """the cases that a person was ever asked about"""
        self._model = model
        self._left: dict[str, None] | None = None
        """keys that are to be looked at; ``None`` before the first call of :meth:`refresh`"""
        self._first: list[str] = []
        """activations that are to be looked at for the first time"""
        self._template: Template | None = None
        self._told: dict[str, tuple[str, int]] = {}
        """by the key of an activation or a question: its case, and what it is to it"""
        self._parts: dict[str, Parts] = {}
        self._standings: dict[str, Standing] = {}
        self._counts: Counter[Standing] = Counter()
        model.subscribe(self._note)
        model.on_read(self._note_read)

    @property
    def total(self) -> int:
        """How many cases there are."""
        return len(self._standings)

    @property
    def counts(self) -> Mapping[Standing, int]:
        """How many cases stand in which way."""
        return self._counts

    def refresh(self) -> None:
        """Take in what has changed, or a part of it."""
        template = Template.of(self._model.run)
        if self._left is None or template != self._template:
            self._begin(template)
        left, first = self._left or {}, self._first
        for _ in range(min(len(left) + len(first), A_CALL)):
            self._look_at(left.popitem()[0] if left else ACTIVATIONS + first.pop())
        self.busy = bool(left or first)

    def _begin(self, template: Template | None) -> None:
        """Look at everything: it is the first time, or cases are fed elsewhere."""
        model = self._model
        self._template = template
        self._told, self._parts, self._standings, self._counts = {}, {}, {}, Counter()
        self.asked = set()
        self._first = list(model.activations)
        self._left = dict.fromkeys(map(ESCALATIONS.__add__, model.questions))
        if template is not None:
            fed = template.among(model.regions.get(template.segments[0], ()))
            self._standings = dict.fromkeys(fed, "untouched")
            self._counts["untouched"] = len(fed)

    def _note(self, change: Change) -> None:
        key, template = change.key, self._template
        if self._left is not None and (
            key.startswith(OF_CASES)
            or (template is not None and region_of(key) == template.segments[0] and template.fits(key))
        ):
            self._left[key] = None

    def _note_read(self, key: str) -> None:
        if self._left is not None:
            self._left[key] = None

    def _look_at(self, key: str) -> None:
        if not key.startswith(OF_CASES):
            self._settle(key)
            return
        before, now = self._told.get(key), self._part(key)
        if before == now:
            if now is not None:  # what it wrote may say another outcome
                self._settle(now[0])
            return
        if now is not None:
            self._told[key] = now
            parts = self._parts.get(now[0])
            if parts is None:
                parts = self._parts[now[0]] = [0] * (ANSWERED + 1)
            parts[now[1]] += 1
            self._settle(now[0])
        else:
            del self._told[key]
        if before is not None:
            parts = self._parts[before[0]]
            parts[before[1]] -= 1
            if not any(parts):
                del self._parts[before[0]]
            self._settle(before[0])

    def _part(self, key: str) -> tuple[str, int] | None:
        """The case that an activation or a question is of, and what it is to it; ``None`` where there is none."""
        if key.startswith(ACTIVATIONS):
            record = self._model.activations.get(key.removeprefix(ACTIVATIONS))
            value: Activation | None = record.value if record is not None else None
            if value is None or not value["case"]:
                return None
            # One that another agent went on from is no end of the case.
            return value["case"], NOTHING if "passed_to" in value else PARTS.get(value["state"], NOTHING)
        asked = self._model.questions.get(key.removeprefix(ESCALATIONS))
        if asked is None or not asked.value["case"]:
            return None
        return asked.value["case"], ASKED if asked.value["status"] == "open" else ANSWERED

    def _settle(self, case: str) -> None:
        before, now = self._standings.get(case), self._standing(case)
        if before != now:
            if before is not None:
                self._counts[before] -= 1
                del self._standings[case]
            if now is not None:
                self._counts[now] += 1
                self._standings[case] = now
        parts = self._parts.get(case)
        if parts is not None and (parts[ASKED] or parts[ANSWERED]):
            self.asked.add(case)
        else:
            self.asked.discard(case)

    def _standing(self, case: str) -> Standing | None:
        parts = self._parts.get(case)
        if parts is None:
            template = self._template
            fed = template is not None and template.fits(case) and region_of(case) == template.segments[0]
            return "untouched" if fed and self._model.get(case) is not None else None
        if parts[ASKED] or parts[ESCALATED]:
            return "awaiting a person"
        if parts[GOING_ON]:
            return "going on"
        if parts[GIVEN_UP] and not self._has_outcome(case):
            return "failed"
        return "completed" if parts[EXECUTED] or parts[GIVEN_UP] else "untouched"

    def _has_outcome(self, case: str) -> bool:
        """Whether the record of the case, or one that was written for it, says what came of it."""
        activations = self._model.cases.get(case, {}).values()
        written = (key for record in activations for key in record.value.get("wrote", ()))
        return any(_outcome(self._model.get(key)) for key in chain((case,), written))


def _outcome(record: Record[Any] | None) -> bool:
    try:
        value = record.value if record is not None else None
    except Corrupt:
        return False
    outcome = value.get("outcome") if isinstance(value, dict) else None
    return isinstance(outcome, str) and bool(outcome)
