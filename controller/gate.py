"""What people say of the flow of a board: whether the controller goes on by itself, and what it is to look at alone.

``control/flow`` and ``control/focus`` are records, so a pause outlives the controller that it was said to.  A step
is taken in the commit of the dispatch that it grants: as often as it was granted something is dispatched, whoever dies.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from blackboard.commit import At
from blackboard.control_records import FLOW, FOCUS, RECOMMENDATION
from blackboard.control_shapes import checked
from controller.desk import packed_control, removal
from controller.focus import Focus

if TYPE_CHECKING:
    from blackboard.commit import Guard
    from blackboard.control_records import Flow, Recommendation
    from blackboard.group import Packed
    from blackboard.record import Record
    from controller.desk import Desk
    from controller.strategy import Choice


class Step(NamedTuple):
    """What a dispatch that was granted by a step has in its commit besides its own."""

    guards: tuple[Guard, ...]
    writes: tuple[Packed, ...]


class Gate:
    """The flow and the focus as the records say."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._flow: Record | None = None
        self._taken = ""
        """the commit of the flow whose step is being dispatched"""
        self._recommended: tuple[str, ...] | None = None
        """the pick and its runners-up as they were last recommended; ``None``: to be said anew"""
        self.closed = False
        """whether nothing fires by itself"""
        self.focus: Focus | None = None

    def take_over(self) -> None:
        """Go by what the board says."""
        for key in (FLOW, FOCUS):
            record = self._desk.replica.get(key)
            self.changed(key, checked(record) if record is not None else None)

    def changed(self, key: str, record: Record | None) -> bool:
        """Take in one of the two records; returns whether the focus is another one now."""
        if key == FLOW:
            self._flow = record if record is not None and record.value["mode"] != "running" else None
            self.closed = self._flow is not None
            self._recommended = None
            return False
        self.focus = Focus.of(record.value, lapses=bool(record.expires_ms)) if record is not None else None
        return True

    @property
    def looks(self) -> bool:
        """Whether it is to be looked who would be next: always while nobody has stopped the flow."""
        return not self.closed or self.recommends or self.granted

    @property
    def recommends(self) -> bool:
        """Whether it is to be said whom the controller would pick."""
        return self._flow is not None and self._flow.value["mode"] == "recommend"

    @property
    def granted(self) -> bool:
        """Whether one may fire now."""
        flow = self._flow
        return flow is not None and flow.value["steps"] > 0 and flow.commit != self._taken

    @property
    def chosen(self) -> str:
        """The activation that a person chose, ``""`` where the controller's own pick is granted."""
        return str(self._flow.value.get("choose", "")) if self._flow is not None else ""

    @property
    def reference(self) -> str:
        """``key@commit`` of the flow as it stands: what a decision names that a person made."""
        return self._flow.reference if self._flow is not None else FLOW

    def document(self) -> dict[str, Any]:
        """What viewers see of it: the flow where it is stopped, the focus where there is one."""
        document: dict[str, Any] = {}
        if self._flow is not None:
            document["flow"] = self._flow.fresh().value
        if self.focus is not None:
            document["focus"] = self.focus.describe()
        return document

    def step(self) -> Step:
        """Take the step that is granted; until its dispatch is known there is no other."""
        flow = self._flow
        assert flow is not None  # noqa: S101  # granted
        self._taken = flow.commit
        value: Flow = flow.fresh().value
        value["steps"] -= 1
        value.pop("choose", None)
        value.pop("refused", None)
        writes = [packed_control(FLOW, value, value["author"])]
        if self._desk.replica.get(RECOMMENDATION) is not None:
            writes.append(removal(RECOMMENDATION))
        return Step((At(FLOW, flow.commit),), tuple(writes))

    def missed(self) -> None:
        """The dispatch of the step came to nothing: it is still granted."""
        self._taken = ""

    def is_news(self, choice: Choice | None) -> bool:
        """Whether ``choice`` is another recommendation than the last one."""
        told: tuple[str, ...] = ()
        if choice is not None:
            told = (choice.entry.activation, *(one.entry.activation for one in choice.runners_up))
        if told == self._recommended:
            return False
        self._recommended = told
        return True

    async def recommend(self, choice: Choice | None) -> None:
        """Say whom the controller would pick; ``None``: nobody."""
        desk, flow = self._desk, self._flow
        if flow is None:
            return
        write = removal(RECOMMENDATION)
        if choice is not None:
            entry = choice.entry
            told: Recommendation = {
                "activation": entry.activation,
                "agent": entry.agent,
                "case": entry.case,
                "decision": choice.decision(desk.replica.revision, desk.settings.levels),
            }
            write = packed_control(RECOMMENDATION, told, desk.member, entry.case)
        await desk.commit_leading([At(FLOW, flow.commit)], [write])

    async def refuse(self, reason: str) -> None:
        """What a person chose cannot be dispatched: say why, and take the step back."""
        flow = self._flow
        if flow is None or flow.commit == self._taken:
            return
        self._taken = flow.commit
        value: Flow = flow.fresh().value
        value["steps"], value["refused"] = 0, reason
        value.pop("choose", None)
        await self._desk.commit_leading([At(FLOW, flow.commit)], [packed_control(FLOW, value, value["author"])])
