"""The line above every view: which board, how it goes, and what is not as it seems."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from blackboard.wording import counted, span
from controller.viewer.amounts import clock, lasted, sentence
from controller.viewer.line import GAP, Line, Span, cells, cut, said
from controller.viewer.run_lines import status_of

if TYPE_CHECKING:
    from controller.viewer.model import Model

SHORTEST: Final = 6
"""cells below which a part is left out rather than cut"""


class Moment(NamedTuple):
    """A moment of the past that is shown in the place of now."""

    revision: int
    newest: int
    """the board's revision now, as far as it is known"""
    time_ms: int
    """when that commit was made"""
    playing: str = ""


class Part(NamedTuple):
    """A piece of the line; where there is too little room the ones with the greatest ``rank`` go first."""

    rank: int
    span: Span
    least: int = 0
    """cells that it may be cut to; 0 where it is all or nothing"""


def headline(
    model: Model, now_ms: int, width: int, *, silent_s: float, moment: Moment | None, hidden: int | None, writable: bool
) -> Line:
    """The line on at most ``width`` cells.

    ``silent_s`` is how long the server has not answered (0: it does), ``hidden`` how many changes the paused display
    does not show (``None``: it is not paused).  What is not as it seems stands first and is the last to go.
    """
    parts = [
        *_warnings(silent_s, moment, hidden),
        Part(1, said(model.board, "title"), SHORTEST),
        *_standing(model, now_ms, moment),
        Part(3, Span("can write", "warn") if writable else Span("read-only", "dim")),
    ]
    return _fitting(parts, width)


def _warnings(silent_s: float, moment: Moment | None, hidden: int | None) -> list[Part]:
    told: list[Part] = []
    if silent_s:
        told.append(Part(0, Span(f"no answer for {silent_s:.0f} s; connecting again", "bad"), SHORTEST))
    if moment is not None:
        playing = f" · playing {moment.playing}" if moment.playing else ""
        where = f"AS IT WAS at revision {moment.revision:,} of {moment.newest:,}, {clock(moment.time_ms)}{playing}"
        told.append(Part(0, Span(where, "lit"), SHORTEST))
    if hidden is not None:
        told.append(Part(0, Span(f"paused, {counted(hidden, 'change')} hidden", "warn"), SHORTEST))
    return told


def _standing(model: Model, now_ms: int, moment: Moment | None) -> list[Part]:
    parts = []
    run = model.run
    if run is not None:
        goes_on = run["status"] == "running" or "ended_ms" not in run
        lasted_ms = (now_ms if goes_on else run["ended_ms"]) - run["started_ms"]
        parts += [
            Part(2, status_of(run)),
            Part(5, Span(f"for {span(lasted_ms)}" if goes_on else f"took {lasted(lasted_ms)}")),
        ]
        if run["scenario"] != model.board.partition("@")[0]:
            parts.append(Part(6, said(sentence(run["scenario"])), SHORTEST))
    flow = model.flow
    if flow is not None and flow["mode"] != "running":
        author = sentence(flow["author"])
        stop = f"{author} wants a word on each pick" if flow["mode"] == "recommend" else f"flow paused by {author}"
        parts.append(Part(1, said(stop, "warn"), SHORTEST))
    if moment is None:
        parts.append(Part(4, Span(f"revision {model.revision:,}")))
    led = said(f"led by {sentence(model.leader)}", "dim") if model.leader else Span("nobody leads", "dim")
    return [*parts, Part(7, led, SHORTEST)]


def _fitting(parts: list[Part], width: int) -> Line:
    """The parts that fit, in their order, the first that does not cut to what is left; two cells between them."""
    left, kept = width + GAP, dict[int, Span]()
    for index, part in sorted(enumerate(parts), key=lambda one: (one[1].rank, one[0])):
        span = part.span
        needed = cells(span.text) + GAP
        if needed > left:
            if not part.least or left < part.least + GAP:
                continue
            span, needed = Span(cut(span.text, left - GAP), span.meaning), left
        kept[index], left = span, left - needed
    spans: list[Span] = []
    for index in sorted(kept):
        if spans:
            spans.append(Span(" " * GAP))
        spans.append(kept[index])
    return tuple(spans)
