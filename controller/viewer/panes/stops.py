"""What keeps a board from going on by itself, in lines of their own above its agenda."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from blackboard.errors import Corrupt
from blackboard.wording import counted
from controller.focus import Focus
from controller.viewer.amounts import sentence

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blackboard.control_records import Flow, Recommendation
    from controller.viewer.model import Model


class Stop(NamedTuple):
    """One line; ``holds`` where it keeps something from firing."""

    name: str
    holds: bool
    text: str


def stops(model: Model) -> Iterator[Stop]:
    """The stop of the flow, the recommendation, the focus, and that nobody leads, where there are any."""
    flow: Flow | None = model.flow
    if flow is not None and flow["mode"] != "running":
        yield Stop("flow", holds=True, text=_stopped(flow))
    if flow is not None and flow.get("refused"):
        yield Stop("refused", holds=True, text=f"what was chosen could not be dispatched: {sentence(flow['refused'])}")
    recommended: Recommendation | None = model.recommendation
    if recommended is not None:
        yield Stop("recommendation", holds=False, text=_recommended(recommended))
    if model.focus is not None:
        yield Stop("focus", holds=True, text=f"only {sentence(_focus(model))}")
    if model.agenda is None or not model.leader:
        yield Stop("leader", holds=False, text=_unled(model))
    if model.agenda is not None:
        for at, left_out in enumerate(model.agenda.get("left_out", ())):
            yield Stop(f"left out {at}", holds=False, text=sentence(left_out))


def _stopped(flow: Flow) -> str:
    steps = f", {counted(flow['steps'], 'step')} granted" if flow["steps"] else ""
    because = f": {sentence(flow['reason'])}" if flow["reason"] else ""
    mode = "waits for a word on each pick" if flow["mode"] == "recommend" else "paused"
    return f"{mode}{steps} ({sentence(flow['author'])}{because})"


def _recommended(recommended: Recommendation) -> str:
    decision = recommended["decision"]
    why = f"level {decision['level']}, score {decision['score']:.1f}, first of {decision['eligible']:,}"
    return f"recommends {sentence(recommended['agent'])} for {sentence(recommended['case'])}: {why}"


def _focus(model: Model) -> str:
    try:
        return Focus.of(model.focus).describe()
    except Corrupt as error:  # a pattern that is none: the leader stops at it, too
        return str(error)


def _unled(model: Model) -> str:
    if model.leader:
        return f"{sentence(model.leader)} leads this board; its agenda is not known"
    what = "what runs or waits" if model.agenda is None else "its agenda"
    return f"nobody leads this board; {what} is told from the records"
