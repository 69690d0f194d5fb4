"""The screen of the live view: a picture of one snapshot and the newest changes."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any, Final

from rich.layout import Layout
from rich.panel import Panel
from rich.text import Text

from blackboard.console import shown, table
from blackboard.wording import seconds, span
from controller.viewer.snapshot import author_of, told

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from blackboard.log import Change
    from controller.viewer.snapshot import Snapshot

LIT_MS: Final = 2_000
LIT: Final = "bold green"


def picture(snapshot: Snapshot, changes: Sequence[Change], *, now_ms: int, silent_s: float) -> Layout:
    """The whole screen; ``changes`` are in order, ``silent_s`` is how long the server has not answered (0: it does)."""
    layout = Layout()
    above, left = Layout(ratio=3), Layout()
    left.split_column(_regions(snapshot, changes, now_ms), _agents(snapshot))
    above.split_row(left, _agenda(snapshot, now_ms))
    asked = Layout(_questions(snapshot, now_ms), ratio=1)
    layout.split_column(
        Layout(_header(snapshot, now_ms, silent_s), size=1), above, asked, Layout(_log(changes, now_ms), ratio=2)
    )
    return layout


def _panel(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]], right: Sequence[str] = ()) -> Panel:
    body = table(columns, rows, right=right)
    return Panel(body, title=shown(title, "bold"), title_align="left", border_style="dim")


def _header(snapshot: Snapshot, now_ms: int, silent_s: float) -> Text:
    line = shown(f"{snapshot.board}  revision {snapshot.revision}  ", "bold")
    if snapshot.run is not None:
        lasted = span((snapshot.run.get("ended_ms") or now_ms) - snapshot.run["started_ms"])
        line.append_text(shown(f"{snapshot.run['scenario']} {snapshot.run['status']}, {lasted}  "))
    line.append_text(shown(f"led by {snapshot.leader}" if snapshot.leader else "nobody leads", "dim"))
    if silent_s:
        line.append_text(shown(f"  the server has not answered for {silent_s:.0f} s; connecting again", "bold red"))
    return line


def _regions(snapshot: Snapshot, changes: Sequence[Change], now_ms: int) -> Panel:
    newest = {c.key.partition("/")[0]: c for c in changes if now_ms - c.time_ms < LIT_MS}
    rows = []
    for region, count in snapshot.regions.items():
        change = newest.get(region)
        about = f"{change.key} by {author_of(change)}" if change is not None else ""
        rows.append((shown(region, LIT if about else ""), f"{count:,}", shown(about, LIT)))
    return _panel("board", ("region", "records", "newest"), rows, ("records",))


def _agenda(snapshot: Snapshot, now_ms: int) -> Panel:
    agenda: dict[str, Any] = snapshot.agenda or {"running": [], "pending": [], "pending_count": 0}
    rows = [
        (shown(one.get("state", "running"), style), one["agent"], one["case"], one.get("level", ""), since)
        for style, part in ((LIT, "running"), ("", "supervisors"), ("", "pending"))
        for one, since in ((one, seconds(now_ms - one["eligible_ms"])) for one in agenda.get(part, ()))
    ]
    flow = agenda.get("flow")
    stopped = f", {flow['mode']} by {flow['author']}" if flow is not None else ""
    title = f"agenda: {agenda['pending_count']:,} pending, {len(agenda['running'])} running{stopped}"
    return _panel(title, ("", "agent", "case", "level", "since"), rows, ("since",))


def _agents(snapshot: Snapshot) -> Panel:
    columns = ("agent", "status", "running", "executed", "failed calls", "cost")
    rows = [
        (
            one["name"], shown(one["status"], "" if one["status"] == "ready" else "red"), one["running"],
            one["executed"], shown(one["failed_calls"], "red" if one["failed_calls"] else ""), f"{one['cost']:.4f}",
        )
        for one in snapshot.agents
    ]  # fmt: skip
    return _panel("agents", columns, rows, columns[2:])


def _questions(snapshot: Snapshot, now_ms: int) -> Panel:
    rows = [
        (one["id"][:8], one["case"], one["question"], ", ".join(one["choices"]), span(now_ms - one["asked_ms"]))
        for one in snapshot.questions
    ]
    return _panel(f"people are asked: {len(rows)}", ("id", "case", "question", "choices", "since"), rows)


def _log(changes: Sequence[Change], now_ms: int) -> Panel:
    text = Text(no_wrap=True, overflow="ellipsis")
    for change in reversed(changes):
        moment = dt.datetime.fromtimestamp(change.time_ms / 1000, tz=dt.UTC).astimezone().strftime("%H:%M:%S")
        line = f"{moment} {change.commit:>8} {change.key}  {author_of(change)}  {told(change)}"
        text.append_text(shown(line, LIT if now_ms - change.time_ms < LIT_MS else "")).append("\n")
    return Panel(text, title=shown("log", "bold"), title_align="left", border_style="dim")
