"""A model of hand-made records for tests of the panes, and how a pane reads on the screen."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from rich.cells import cell_len

from blackboard.log import Change
from controller.viewer.line import plain
from controller.viewer.model import Model
from tests.control_values import completed
from tests.still_board import record_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from controller.viewer.pane import Pane

NOW_MS: Final = 1_000_000
WIDTHS: Final = (1, 12, 40, 80, 120, 300)
HOSTILE: Final = (
    "",
    " ",
    "\x1b[2J\x1b]52;c;aGk=\x07",
    "two\nlines\r\tand a tab",
    "\u202egnp.exe\u2066\u200b\u00ad",
    "日本語の長い名前" * 20,
    "e\u0301\u0302\u0303" * 300,
    "x" * 10_000,
    "👩‍👩‍👧‍👦🏳️‍🌈",
)  # fmt: skip


def model_of(records: Mapping[str, Any], agenda: Mapping[str, Any] | None = None) -> Model:
    """A model of these records by key, the fields that a shape asks for filled in."""
    model = Model("shop", [record_of(key, completed(key, value)) for key, value in records.items()], 7, NOW_MS)
    model.agenda = agenda
    return model


def put(model: Model, key: str, value: Any, *, time_ms: int = NOW_MS) -> None:
    """Let the model go on to a commit that writes ``value`` at ``key``; ``None`` removes what is there."""
    revision = model.revision + 1
    record = record_of(key, completed(key, value), commit=f"1-{revision}") if value is not None else None
    before = model.get(key)
    previous = before.commit if before is not None else ""
    operation: Any = "put" if record is not None else "delete"
    model.apply(Change(key, operation, f"1-{revision}", revision, time_ms, "ann", record, previous, before))


def shown(pane: Pane, width: int = 120, now_ms: int = NOW_MS) -> list[str]:
    """The lines of ``pane`` as they are drawn, without what fills them; each is on no more cells than there are."""
    pane.refresh()
    heading = pane.heading(width)
    lines = [pane.line(row, width, now_ms) for row in range(len(pane))]
    drawn = [plain(line) for line in ([heading] if heading is not None else []) + lines]
    for text in drawn:
        assert cell_len(text) <= width, (width, text)
        assert all(character.isprintable() or character == " " for character in text), text
    return [text.rstrip() for text in drawn][heading is not None :]


def names(pane: Pane) -> list[str]:
    """What the rows of ``pane`` are about, in order; each is found again where it is."""
    pane.refresh()
    found = [pane.identity(row) for row in range(len(pane))]
    assert len(set(found)) == len(found)
    assert [pane.row_of(identity) for identity in found] == list(range(len(found)))
    return found
