"""The questions to people: the open ones first, the oldest of them at the top."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from blackboard.commands.record_view import short_value
from blackboard.control_records import ESCALATIONS
from controller.short_ids import SHORT_ID, ShortIds
from controller.viewer.amounts import lasted, sentence
from controller.viewer.line import Column, Span
from controller.viewer.pane import LIT_MS
from controller.viewer.panes.listed import Cell, ListedPane
from controller.viewer.target import Target

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blackboard.control_records import Escalation
    from blackboard.log import Change
    from controller.viewer.line import Meaning
    from controller.viewer.listing import Place
    from controller.viewer.model import Model

ORDER: Final = ("open", "answered", "stale")
MEANINGS: Final[Mapping[str, Meaning]] = {"open": "warn", "answered": "good", "stale": "dim"}
MOST_OF_ID: Final = 24
"""characters of an id that there is room for: all of one that the runtime made"""


class Question(NamedTuple):
    """One question; ``answer`` are the choices of an open one, and else what became of it."""

    value: Escalation
    answer: str


class EscalationsPane(ListedPane[Question]):
    """One row a question; enter opens it, to be answered there."""

    name = "escalations"
    sorts: tuple[str, ...] = ("open first", "newest", "case", "agent")
    cells: tuple[Cell, ...] = (
        Cell(Column("id", SHORT_ID)),
        Cell(Column("age", 7, right=True)),
        Cell(Column("status", 8), 140),
        Cell(Column("case", 13, 1)),
        Cell(Column("agent", 12, 1), 96),
        Cell(Column("question", 20, 8)),
        Cell(Column("answer", 12, 3)),
        Cell(Column("asked of", 12, 1), 140),
        Cell(Column("left", 7, right=True), 120),
    )

    def __init__(self, model: Model) -> None:
        super().__init__(model)
        self._changed: set[str] | None = None
        """questions that are to be looked at; ``None`` before the first look at all of them"""
        self._open = 0
        self._short = ShortIds()
        model.subscribe(self._note)

    @property
    def title(self) -> str:
        """How many wait for an answer."""
        count = self._listing.count
        return f"Escalations · {self._open:,} open" + (f" of {count:,}" if count > self._open else "")

    def refresh(self) -> None:
        """Take in what has changed in the model since the last call."""
        questions = self._model.questions
        if self._changed is None:
            self._listing.fill({name: _question(record.value) for name, record in questions.items()})
            self._open = sum(record.value["status"] == "open" for record in questions.values())
            for question in questions:
                self._short.add(question)
        for question in self._changed or ():
            before, record = self._listing.get(question), questions.get(question)
            self._open -= before is not None and before.value["status"] == "open"
            if record is None:
                self._listing.drop(question)
            else:
                self._open += record.value["status"] == "open"
                self._short.add(question)
                self._listing.put(question, _question(record.value))
        self._changed = set()
        self._widen()

    def place(self, identity: str, item: Question) -> Place:
        value = item.value
        status, asked_ms = ORDER.index(value["status"]), value["asked_ms"]
        match self.sort:
            case "newest":
                return (-asked_ms, identity)
            case "case" | "agent":
                return (value["case"] if self.sort == "case" else value["agent"], status, asked_ms, identity)
            case _:
                return (status, asked_ms if value["status"] == "open" else -_until(value, asked_ms), identity)

    def told(self, identity: str, item: Question, now_ms: int) -> Mapping[str, Span]:
        value = item.value
        waits = value["status"] == "open"
        rest: Meaning = "" if waits else "dim"
        new = now_ms - _until(value, value["asked_ms"]) < LIT_MS
        return {
            "id": Span(self._short.of(identity), "lit" if new else "name" if waits else "dim"),
            "age": Span(lasted(_until(value, now_ms) - value["asked_ms"]), rest),
            "status": Span(value["status"], MEANINGS[value["status"]]),
            "case": Span(value["case"], rest),
            "agent": Span(value["agent"], rest),
            "question": Span(sentence(value["question"]), rest),
            "answer": Span(item.answer, "link" if waits else MEANINGS[value["status"]]),
            "asked of": Span(value.get("assignee", ""), rest),
            "left": _left(value, now_ms),
        }

    def document(self, identity: str, item: Question) -> Mapping[str, Any]:
        return {**item.value, "key": ESCALATIONS + identity, "id": identity}

    def words(self, identity: str, item: Question) -> str:
        value = item.value
        named = f"{identity} {value['status']} {value['case']} {value['agent']} {value.get('assignee', '')}"
        return f"{named} {sentence(value['question'])} {item.answer}"

    def target_of(self, identity: str, item: Question) -> Target | None:
        return Target("question", identity)

    def _note(self, change: Change) -> None:
        if self._changed is not None and change.key.startswith(ESCALATIONS):
            self._changed.add(change.key.removeprefix(ESCALATIONS))

    def _widen(self) -> None:
        """Give the ids the room that they need to be told apart."""
        column = self.cells[0].column
        needed = min(self._short.length, MOST_OF_ID)
        if column.width != needed:
            self.cells = (Cell(column._replace(width=needed)), *self.cells[1:])
            self._layout = None


def _until(value: Escalation, otherwise_ms: int) -> int:
    return value.get("answered_ms", otherwise_ms)


def _question(value: Escalation) -> Question:
    return Question(value, _answer(value))


def _answer(value: Escalation) -> str:
    if value["status"] == "answered":
        return f"{short_value(value.get('answer'))} by {value.get('answered_by', '')}"
    if value["status"] == "stale":
        return sentence(value.get("reason", "")) or "what it is about has changed"
    return ", ".join(value["choices"]) or "a value"


def _left(value: Escalation, now_ms: int) -> Span:
    """How long the one who is asked still has."""
    if value["status"] != "open" or "deadline_ms" not in value:
        return Span("")
    left_ms = value["deadline_ms"] - now_ms
    return Span(lasted(left_ms), "dim") if left_ms > 0 else Span("over", "warn")
