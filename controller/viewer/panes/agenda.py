"""The agenda: who is next and why, and what runs; without a leader, what the records tell of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

from blackboard.control_records import ACTIVATIONS, FLOW, FOCUS, LEADER, OVERRIDES, RECOMMENDATION
from blackboard.wording import counted
from controller.activation import FINAL
from controller.viewer.amounts import lasted, points, sentence
from controller.viewer.line import Column, Line, Span, cut
from controller.viewer.pane import LIT_MS
from controller.viewer.panes.listed import Cell, ListedPane
from controller.viewer.panes.stops import stops
from controller.viewer.target import Target

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from blackboard.control_records import Activation, Override
    from blackboard.log import Change
    from controller.viewer.line import Meaning
    from controller.viewer.listing import Place
    from controller.viewer.model import Model

Part: TypeAlias = Literal["note", "running", "supervisors", "pending", "aside", "waiting", "apart", "more"]
PARTS: Final[tuple[Part, ...]] = ("note", "running", "supervisors", "pending", "aside", "waiting", "apart", "more")
"""in this order: who would fire first stands first.  ``aside`` is on the agenda and cannot fire now, ``waiting`` has a
record that says so, ``apart`` is on no agenda"""
MEANINGS: Final[Mapping[str, Meaning]] = {
    "running": "good", "ready": "name", "held": "warn", "failed": "bad", "blocked": "warn", "outside": "dim",
    "apart": "dim",
}  # fmt: skip
WIDE: Final = 110
"""cells from which on what a place is made of has columns of its own"""


class Standing(NamedTuple):
    """One row: an activation as it stands, or a note (which has a text alone)."""

    part: Part
    at: int
    """its place in that part"""
    state: str
    agent: str = ""
    case: str = ""
    since_ms: int = 0
    """it runs, or is eligible, since; 0 where that is not known"""
    attempt: int = 1
    why: str = ""
    """what it waits for, or what moved it; of a note its text"""
    entry: Mapping[str, Any] = {}  # a default that nobody writes to
    """as it was published, for one of the agenda"""


class AgendaPane(ListedPane[Standing]):
    """Running ones first, then who is next, then who waits for something else."""

    name = "agenda"
    sorts: tuple[str, ...] = ("order", "agent", "case", "waited")
    cells: tuple[Cell, ...] = (
        Cell(Column("state", 7)),
        Cell(Column("agent", 13, 1)),
        Cell(Column("case", 13, 1)),
        Cell(Column("level", 8)),
        Cell(Column("rating", 6, right=True), WIDE),
        Cell(Column("aged", 7, right=True), WIDE),
        Cell(Column("score", 6, right=True), 96),
        Cell(Column("time", 7, right=True)),
        Cell(Column("call", 4, right=True), WIDE),
        Cell(Column("share", 10, 1), WIDE + 20),
        Cell(Column("why", 12, 5)),
    )

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        self._told: Mapping[str, Any] | None = None
        """the agenda that the rows are of"""
        self._entries: dict[str, tuple[Part, int, Mapping[str, Any]]] = {}
        self._apart: Mapping[str, str] = {}
        self._changed: set[str] | None = None
        """activations that are to be looked at; ``None`` before the first look at all of them"""
        self._stopped = True
        """whether the notes are to be looked at"""
        self._notes: set[str] = set()
        self._running = 0
        self._people: set[str] = set()
        """activations that wait for a person's answer"""
        model.subscribe(self._note)
        model.on_read(self._note_activation)

    @property
    def title(self) -> str:
        """How many run and are pending, and whether something stops them."""
        agenda = self._told
        if agenda is None:
            return f"Agenda · {self._running:,} running{'' if self._model.leader else ', nobody leads'}"
        flow = self._model.flow
        stopped = {"paused": " · paused", "recommend": " · recommends"}.get(flow["mode"], "") if flow else ""
        told = " · told from the records" if agenda.get("told_from") else ""
        return f"Agenda · {self._running:,} running, {agenda['pending_count']:,} pending{stopped}{told}"

    def refresh(self) -> None:
        """Take in what has changed in the model since the last call."""
        model = self._model
        first, changed = self._changed is None, self._changed or set()
        self._changed = set()
        if model.agenda is not self._told or first:
            self._stopped = True
            changed = changed | self._take_agenda(model.agenda)
        if first:
            self._look_at_all(changed)
        else:
            for activation in changed:
                self._look_at(activation)
        if self._stopped:
            self._stopped = False
            self._look_at_notes()

    def place(self, identity: str, item: Standing) -> Place:
        part = PARTS.index(item.part)
        order = (part, item.at, identity)
        first = (0,) if item.part == "note" else (2,) if item.part == "more" else (1,)
        if self.sort == "order" or first != (1,):
            return (*first, *order)
        if self.sort == "waited":
            return (*first, not item.since_ms, item.since_ms, *order)
        return (*first, item.agent if self.sort == "agent" else item.case, *order)

    def line(self, row: int, width: int, now_ms: int) -> Line:
        """One row on at most ``width`` cells; a note has the whole of it."""
        _, item = self._listing.at(row)
        if item.part not in ("note", "more"):
            return super().line(row, width, now_ms)
        meaning: Meaning = "warn" if item.state == "stop" else "dim"
        return (Span(cut(item.why, width), meaning),)

    def told(self, identity: str, item: Standing, now_ms: int) -> Mapping[str, Span]:
        entry = item.entry
        since = lasted(now_ms - item.since_ms) if item.since_ms else ""
        begun = item.part == "running" and now_ms - item.since_ms < LIT_MS
        share = f"{entry['flow'] or '-'} {entry['share']}" if "share" in entry and "flow" in entry else ""
        return {
            "state": Span(item.state, "lit" if begun else MEANINGS.get(item.state, "")),
            "agent": Span(item.agent),
            "case": Span(item.case),
            "level": Span(entry.get("level", "") + ("↑" if "promoted_from" in entry else "")),
            "rating": Span(points(entry["rating"]) if entry else ""),
            "aged": Span(points(entry["aged"]) if entry else ""),
            "score": Span(points(entry["score"]) if entry else ""),
            "time": Span(since),
            "call": Span(str(item.attempt) if item.attempt > 1 else ""),
            "share": Span(share),
            "why": Span(self._why(identity, item, now_ms), "" if item.part == "running" else "dim"),
        }

    def document(self, identity: str, item: Standing) -> Mapping[str, Any]:
        known = {"state": item.state, "agent": item.agent, "case": item.case, "attempt": item.attempt}
        return {**item.entry, **known, "activation": _activation(identity), "because": item.why}

    def words(self, identity: str, item: Standing) -> str:
        if item.part in ("note", "more"):
            return item.why
        level = item.entry.get("level", "")
        return f"{item.state} {item.agent} {item.case} {level} {item.why} {_activation(identity)}"

    def target_of(self, identity: str, item: Standing) -> Target | None:
        if item.part in ("note", "more"):
            recommended = self._model.recommendation if identity == "note:recommendation" else None
            return Target("activation", recommended["activation"]) if recommended else None
        return Target("activation", _activation(identity))

    def _accepts(self, identity: str, item: Standing) -> bool:
        return item.part in ("note", "more") or super()._accepts(identity, item)

    def _note(self, change: Change) -> None:
        if change.key.startswith(ACTIVATIONS):
            self._note_activation(change.key)
        elif change.key in (FLOW, FOCUS, RECOMMENDATION, LEADER):
            self._stopped = True
        elif change.key.startswith(OVERRIDES) and self._changed is not None:
            self._changed |= {
                one for one, (_, _, entry) in self._entries.items() if entry.get("override") == change.key
            }

    def _note_activation(self, key: str) -> None:
        if self._changed is not None:
            self._changed.add(key.removeprefix(ACTIVATIONS))

    def _take_agenda(self, agenda: Mapping[str, Any] | None) -> set[str]:
        """Let the rows be of ``agenda``; returns the activations that it or the last one speaks of."""
        without_before = self._told is None
        concerned = {*self._entries, *self._apart}
        self._told, self._entries, self._apart = agenda, {}, agenda["apart"] if agenda is not None else {}
        parts: tuple[Part, ...] = ("supervisors", "pending")
        for part in parts if agenda is not None else ():
            for at, entry in enumerate(agenda[part] if agenda is not None else ()):
                where: Part = part if entry["state"] == "ready" else "aside"
                self._entries[entry["activation"]] = where, at, entry
        if without_before or agenda is None:  # which says whether those that are to be tried again are told of here
            concerned |= {one for one, record in self._model.live.items() if record.value["state"] == "pending"}
        return concerned | set(self._entries) | set(self._apart)

    def _look_at_all(self, entries: set[str]) -> None:
        found = ((one, self._standing(one)) for one in {*self._model.live, *entries})
        self._people = {one for one, record in self._model.live.items() if record.value["state"] == "escalated"}
        standings = {f"activation:{one}": standing for one, standing in found if standing is not None}
        self._running = sum(standing.part == "running" for standing in standings.values())
        self._listing.fill(standings)

    def _look_at(self, activation: str) -> None:
        identity = f"activation:{activation}"
        before, found = self._listing.get(identity), self._standing(activation)
        record = self._model.live.get(activation)
        waits = record is not None and record.value["state"] == "escalated"
        if waits != (activation in self._people):
            self._people ^= {activation}
            self._stopped = True
        self._running += (found is not None and found.part == "running") - (
            before is not None and before.part == "running"
        )
        if found is None:
            self._listing.drop(identity)
        else:
            self._listing.put(identity, found)

    def _standing(self, activation: str) -> Standing | None:
        """How it stands, ``None`` where it neither runs nor waits for its turn; its record knows best."""
        record = self._model.activations.get(activation)
        value: Activation | None = record.value if record is not None else None
        if value is not None and value["state"] not in ("pending", "held"):
            return _of_record(value)
        if activation in self._entries:
            part, at, entry = self._entries[activation]
            why = sentence("; ".join(self._reasons(part, entry)))
            state, agent, case, since_ms = entry["state"], entry["agent"], entry["case"], entry["eligible_ms"]
            return Standing(part, at, state, agent, case, since_ms, entry["attempt"], why, entry)
        if activation in self._apart:
            why = sentence(self._apart[activation])
            return Standing("apart", 0, "apart", "", "", why=why) if value is None else _of_record(value, why)
        return _of_record(value) if value is not None and (value["state"] == "held" or self._told is None) else None

    def _reasons(self, part: Part, entry: Mapping[str, Any]) -> Iterator[str]:
        if part == "supervisors":
            yield "a supervisor goes first"
        yield from entry["because"]
        if "promoted_from" in entry:
            yield f"from {entry['promoted_from']} by waiting"
        if "override" in entry:
            record = self._model.overrides.get(entry["override"].removeprefix(OVERRIDES))
            order: Override | None = record.value if record is not None else None
            yield f"{order['verb']} by {order['author']}" if order is not None else f"moved by {entry['override']}"
        if entry["attempt"] > 1:
            yield f"call {entry['attempt']}"

    def _look_at_notes(self) -> None:
        told = {f"note:{stop.name}": stop for stop in stops(self._model)}
        for identity in self._notes - set(told):
            self._listing.drop(identity)
        for at, (identity, stop) in enumerate(told.items()):
            self._listing.put(identity, Standing("note", at, "stop" if stop.holds else "", why=stop.text))
        self._notes = set(told)
        more = self._told["pending_count"] - len(self._entries) if self._told is not None else 0
        people = counted(len(self._people), "activation")
        self._end_with("more", f"… and {more:,} more pending" if more > 0 else "")
        self._end_with("people", f"{people} at the hands of people: see the escalations" if self._people else "")

    def _end_with(self, identity: str, text: str) -> None:
        if text:
            self._listing.put(identity, Standing("more", 0, "", why=text))
        else:
            self._listing.drop(identity)

    def _why(self, identity: str, item: Standing, now_ms: int) -> str:
        if item.part == "running":
            said = self._model.progress.get(_activation(identity))
            call = f"call {item.attempt}" if item.attempt > 1 else ""
            return "; ".join(part for part in (call, sentence(said.value["text"]) if said is not None else "") if part)
        left_ms = item.entry["not_before_ms"] - now_ms if "not_before_ms" in item.entry else 0
        return f"in {lasted(left_ms)}; {item.why}".rstrip("; ") if left_ms > 0 else item.why


def _of_record(value: Activation, why: str = "") -> Standing | None:
    state = value["state"]
    if state in FINAL or state == "escalated":  # a question tells of that one
        return None
    running = state == "running"
    since_ms = value["dispatched_ms"] if running else value.get("ended_ms", value["eligible_ms"])
    why = why or sentence(value.get("reason", ""))
    part: Part = "running" if running else "waiting"
    return Standing(part, since_ms, state, value["agent"], value["case"], since_ms, value["attempt"], why)


def _activation(identity: str) -> str:
    return identity.partition(":")[2]
