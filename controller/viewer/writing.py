"""What the viewer writes: deeds of one person on one board, each with a reason.

The screen has a :class:`Writing` only where it was started with ``--write``; nothing else of the viewer writes.
"""

from __future__ import annotations

import contextlib
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from blackboard.commands.record_view import instant, short_value
from blackboard.control_records import ESCALATIONS, OVERRIDES
from blackboard.errors import BlackboardError, NothingSelected, UsageError
from controller import flow, giving
from controller.escalation import Answer, Refusal, answer
from controller.given_answer import read
from controller.leadership import is_led
from controller.viewer import deeds
from controller.viewer.answer_form import answer_of
from controller.viewer.deed_forms import ABSENT, SCOPE
from controller.viewer.deeds import meant_by
from controller.viewer.forms import REASON, integer, json_value, number
from knowledge_sources.orders import SCOPES, Boost, Cancel, Decide, Extend, Force, Hold, Reassign, Veto
from knowledge_sources.posting import described, post

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping

    from blackboard.board import Board
    from controller.viewer.deeds import Deed
    from controller.viewer.target import Target
    from knowledge_sources.orders import Order

    Values: TypeAlias = Mapping[str, str]
    Doing: TypeAlias = Callable[["Writing", Target | None, Values], Awaitable[str]]

REFUSED: Final = "refused by the controller: "
"""what the sentence begins with of an order that was given in vain"""
_HEEDED_LATER: Final = "; nobody leads: heeded when one does"


class Writing:
    """The deeds of ``by`` on ``board``; raises :class:`UsageError` where ``by`` is no name."""

    def __init__(self, board: Board, by: str) -> None:
        giving.check_name(by)
        self.board = board
        self.by = by

    async def do(self, deed: Deed, target: Target | None, values: Values) -> str:
        """Do ``deed`` about ``target`` with what was filled in; returns what was done and what came of it, in a sentence.

        Raises :class:`BlackboardError` where nothing was written: its text is for who filled it in.
        """
        if not values.get(REASON, "").strip():
            raise UsageError("a reason is needed: it is kept with what is done")
        doing = _DEEDS[deed.name]
        try:
            return await doing(self, meant_by(target) if target is not None else None, defaultdict(str, values))
        except ValueError as error:
            raise UsageError(str(error)) from error

    async def answer(self, target: Target | None, values: Values) -> str:
        """Answer a question; who was first is told where somebody was."""
        key = ESCALATIONS + _name(target)
        asked = await read(self.board, key)
        if asked is None:
            raise Refusal(f"no question {_name(target)!r} on board {self.board.name}")
        choice, value = answer_of(asked.value, values)
        given = Answer(choice, self.by, values[REASON], value)
        done = await answer(self.board, key, given, self.board.store.server_now_ms())
        said = f"{self.by} answered {short_value(given.said)} to {done['agent']} for {done['case']}"
        return said + await self._later()

    async def order(self, make: Callable[..., Order], values: Values, **terms: Any) -> str:
        """Give an order, and wait a moment for what the controller makes of it."""
        wanted = make(**_scope_in(values), **terms, reason=values[REASON])
        key = await giving.give(self.board, wanted, self.by)
        try:
            given = await giving.outcome(self.board, key)
        except BlackboardError as error:  # it is given, whoever can still be asked about it
            return f"{wanted.verb} is ordered; what comes of it cannot be read: {error}"
        override = given.override
        if override["status"] == "open":
            waits = ", and is not judged yet" if given.led else _HEEDED_LATER
            return f"{wanted.verb} is ordered ({given.id}){waits}"
        if override["status"] == "refused":
            return f"{REFUSED}{override.get('outcome', '')}"
        until = ""
        if override["status"] == "standing":
            until = "; it stands until "
            until += instant(override["expires_ms"]) if "expires_ms" in override else "it is revoked"
        return f"{override.get('outcome', '')}{until}"

    async def revoke(self, _: Target | None, values: Values) -> str:
        """Take an order back."""
        found = [one for one in await giving.orders_on(self.board) if one.key == OVERRIDES + values["order"]]
        if not found:
            raise NothingSelected(f"no order {values['order']!r} on board {self.board.name}")
        override = await giving.revoke(self.board, found[0], self.by, values[REASON])
        return override.get("outcome", "") + await self._later()

    async def pause(self, _: Target | None, values: Values) -> str:
        await flow.halt(self.board, "paused", self._person(values))
        return "paused: nothing more is dispatched" + await self._later()

    async def recommend(self, _: Target | None, values: Values) -> str:
        await flow.halt(self.board, "recommend", self._person(values))
        return "the controller says whom it would pick, and waits for a word" + await self._later()

    async def resume(self, _: Target | None, values: Values) -> str:
        await flow.resume(self.board, self._person(values))
        return "goes on by itself" + await self._later()

    async def step(self, _: Target | None, values: Values) -> str:
        count = integer(values["count"])
        if not 1 <= count <= flow.MOST_STEPS:
            raise UsageError(f"how many: 1 to {flow.MOST_STEPS:,}")
        done = await flow.step(self.board, count, self._person(values))
        return f"{done['steps']} to be dispatched" + await self._later()

    async def accept(self, _: Target | None, values: Values) -> str:
        _flow, told = await flow.accept(self.board, self._person(values))
        return f"granted: {told['agent']} for {told['case']}" + await self._later()

    async def choose(self, target: Target | None, values: Values) -> str:
        await flow.choose(self.board, _name(target), self._person(values))
        return f"granted: {_name(target)}" + await self._later()

    async def post(self, _: Target | None, values: Values) -> str:
        key, guard = values["key"].strip(), values["guard"]
        committed = await post(
            self.board,
            key,
            json_value(values["value"]),
            self.by,
            if_absent=guard == ABSENT,
            if_commit=guard if guard not in ("", ABSENT) else None,
            case=values["case"].strip(),
            reason=values[REASON],
        )
        return described(key, committed)

    def _person(self, values: Values) -> flow.Person:
        return flow.Person(self.by, values[REASON])

    async def _later(self) -> str:
        with contextlib.suppress(BlackboardError):  # what was done is done, whoever can still be asked who leads
            return "" if await is_led(self.board) else _HEEDED_LATER
        return ""


def _name(target: Target | None) -> str:
    if target is None:
        raise UsageError("say what it is about")
    return target.name


def _scope_in(values: Values) -> dict[str, str]:
    """The scope that was chosen, and the pattern that was typed beside it."""
    chosen = json_value(values.get(SCOPE, "{}"))
    parts = chosen.items() if isinstance(chosen, dict) else ()
    scope = {part: text for part, text in parts if part in SCOPES and isinstance(text, str)}
    pattern = values["pattern"].strip()
    return scope | ({"pattern": pattern} if pattern else {})


def _lasting(make: Callable[..., Order]) -> Doing:
    def give(writing: Writing, _: Target | None, values: Values) -> Awaitable[str]:
        return writing.order(make, values, lasts=values["lasts"].strip())

    return give


def _boost(writing: Writing, _: Target | None, values: Values) -> Awaitable[str]:
    points = number(values["points"]) if values["points"].strip() else 0.0
    lasts, level = values["lasts"].strip(), values["level"]
    return writing.order(Boost, values, points=points, level=level, lasts=lasts)


def _extend(writing: Writing, _: Target | None, values: Values) -> Awaitable[str]:
    return writing.order(Extend, values, by=values["by"].strip())


def _decide(writing: Writing, _: Target | None, values: Values) -> Awaitable[str]:
    value = json_value(values["value"])
    return writing.order(Decide, values, value=value, key=values["key"].strip())


_DEEDS: Final[Mapping[str, Doing]] = {
    deeds.ANSWER.name: Writing.answer,
    deeds.FORCE.name: _lasting(Force),
    deeds.HOLD.name: _lasting(Hold),
    deeds.BOOST.name: _boost,
    deeds.VETO.name: _lasting(Veto),
    deeds.CANCEL.name: lambda writing, _, values: writing.order(Cancel, values),
    deeds.EXTEND.name: _extend,
    deeds.DECIDE.name: _decide,
    deeds.REASSIGN.name: lambda writing, _, values: writing.order(Reassign, values, to=values["to"]),
    deeds.REVOKE.name: Writing.revoke,
    deeds.CHOOSE.name: Writing.choose,
    deeds.PAUSE.name: Writing.pause,
    deeds.RECOMMEND.name: Writing.recommend,
    deeds.RESUME.name: Writing.resume,
    deeds.STEP.name: Writing.step,
    deeds.ACCEPT.name: Writing.accept,
    deeds.POST.name: Writing.post,
}
