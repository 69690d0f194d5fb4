"""Undoing what was done for a case: by compensations, in the reverse order of the commits that they undo.

What happened outside stays happened, so undoing is doing: for each contribution, the latest first, the record that its
agent named for that is posted, in a commit of its own that names what it undoes.  The compensation was kept when the agent
contributed; nothing but the board is needed, whether a controller leads it or not.  Beside it
``control/reverts/<activation>`` is written: what was undone is not undone again, by whomever and however often.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, Literal, NamedTuple

from blackboard import exit_codes
from blackboard.commit import Absent, At, Delete, Put
from blackboard.control_records import ACTIVATIONS, CLAIMS, CONTROL, REVERTS
from blackboard.control_shapes import is_sound, sound
from blackboard.errors import Conflict, NothingSelected, UsageError
from blackboard.record import FULL_TRUST, Stamp
from controller.cases import nearest_case
from controller.claiming import given_up

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.board import Board
    from blackboard.commit import Guard, Write
    from blackboard.control_records import Activation, Revert
    from blackboard.log import Change
    from blackboard.record import Record

UNDER_WAY: Final = ("pending", "held", "running", "failed", "proposed", "escalated")


class NotUndoable(UsageError):
    """A contribution that has no compensation, or whose records cannot be put back."""

    exit_code = exit_codes.FAILED


class Undoing(NamedTuple):
    """One contribution and how it is undone; ``posted`` are the keys that are written for that."""

    activation: str
    agent: str
    case: str
    commit: str
    """of the contribution"""
    wrote: tuple[str, ...]
    how: Literal["compensated", "restored", "not at all"]
    posted: tuple[str, ...]
    done: bool
    """whether that has happened already"""


class Plan(NamedTuple):
    """What is to be undone, in this order, and the activations of the case that go on meanwhile."""

    steps: tuple[Undoing, ...]
    under_way: tuple[str, ...]

    @property
    def hopeless(self) -> tuple[Undoing, ...]:
        """Those that nothing undoes."""
        return tuple(step for step in self.steps if step.how == "not at all")


async def plan_revert(board: Board, *, case: str = "", activation: str = "", restore: bool = False) -> Plan:
    """What is to be undone of ``case``, or the one ``activation``: the latest contribution first.

    With ``restore`` what has no compensation is put back as it was.  Raises :class:`NothingSelected` where nothing
    was done.
    """
    records = [record for record in sound(await board.find(ACTIVATIONS + "*")) if _is_meant(record, case, activation)]
    if not records:
        raise NothingSelected(await _nothing_done(board, case, activation))
    undone = {record.key.removeprefix(REVERTS): record.value for record in sound(await board.find(REVERTS + "*"))}
    contributed = [record for record in records if record.value["state"] == "executed" and _wrote(record.value)]
    contributed.sort(key=lambda record: record.revision, reverse=True)
    steps = [_step(record, undone, restore=restore) for record in contributed if "withdrawn" not in record.value]
    under_way = tuple(record.value["agent"] for record in records if record.value["state"] in UNDER_WAY)
    return Plan(tuple(steps), under_way)


async def _nothing_done(board: Board, case: str, activation: str) -> str:
    """Why nothing is there to undo, with the case that may have been meant."""
    if activation:
        of = f" of case {case!r}" if case else ""
        return f"no activation{of} on board {board.name} begins with {activation!r}"
    return f"no activation of case {case!r} on board {board.name}{await nearest_case(board, case)}"


def _is_meant(record: Record, case: str, activation: str) -> bool:
    if activation and not record.key.removeprefix(ACTIVATIONS).startswith(activation):
        return False
    return not case or record.value["case"] == case


def _wrote(activation: Activation) -> tuple[str, ...]:
    """The records of its contribution; those of the runtime are not undone."""
    return tuple(key for key in activation.get("wrote", ()) if not key.startswith(CONTROL))


def _step(record: Record, undone: dict[str, Revert], *, restore: bool) -> Undoing:
    activation: Activation = record.value
    name, wrote = record.key.removeprefix(ACTIVATIONS), _wrote(activation)
    before, compensation = undone.get(name), activation.get("compensation")
    how: Literal["compensated", "restored", "not at all"]
    if before is not None:
        how, posted = before["how"], tuple(before["posted"])
    elif compensation is not None:
        how, posted = "compensated", (compensation["key"],)
    else:
        how, posted = ("restored", wrote) if restore else ("not at all", ())
    return Undoing(name, activation["agent"], activation["case"], record.commit, wrote, how, posted, before is not None)


async def carry_out(board: Board, plan: Plan, *, by: str, reason: str) -> list[Undoing]:
    """Undo the steps of ``plan`` that are not done, one commit each; returns those that this call has undone.

    Raises :class:`NotUndoable`: before anything is written where a step has no compensation, and in the middle where
    a record cannot be put back; what was undone until then stays undone.
    """
    if plan.hopeless:
        raise NotUndoable(f"nothing was undone: {_hopeless(plan.hopeless)}")
    return [step for step in plan.steps if not step.done and await _undo(board, step, by, reason)]


def _hopeless(steps: Sequence[Undoing]) -> str:
    told = "; ".join(f"{step.agent} does not say how {', '.join(step.wrote)} is undone" for step in steps[:5])
    more = f" and {len(steps) - 5} more" if len(steps) > 5 else ""
    return f"{told}{more}. With --force-restore the records are put back as they were"


async def _undo(board: Board, step: Undoing, by: str, reason: str) -> bool:
    """One step as one commit; false where somebody else has undone it in that moment."""
    key = ACTIVATIONS + step.activation
    found = await board.get(key)
    if found is None or found.commit != step.commit:
        raise NotUndoable(f"activation {step.activation} of {step.agent} is not as it was when this was planned")
    activation: Activation = found.value
    guards: list[Guard] = [At(key, step.commit), Absent(REVERTS + step.activation)]
    writes: list[Write]
    if step.how == "compensated":
        writes = [Put(activation["compensation"]["key"], activation["compensation"]["value"])]
    else:
        back, writes = await _put_back(board, step)
        guards += back
    undid = [[wrote, step.commit] for wrote in step.wrote]
    mark: Revert = {
        "by": by, "reason": reason, "undid": undid, "how": "compensated" if step.how == "compensated" else "restored",
        "posted": [write.key for write in writes], "at_ms": board.store.server_now_ms(),
    }  # fmt: skip
    causes = tuple(f"{wrote}@{commit}" for wrote, commit in undid)
    stamp = Stamp(by, "", step.case, causes, await _depth(board, step) + 1, FULL_TRUST)
    claim = await board.get(CLAIMS + step.activation)
    if claim is not None and is_sound(claim) and claim.value["status"] == "open":
        guards.append(At(claim.key, claim.commit))
        writes.append(Put(claim.key, given_up(claim, f"what it claims was undone by {by}", mark["at_ms"])))
    try:
        await board.commit(guards, [*writes, Put(REVERTS + step.activation, mark)], stamp=stamp)
    except Conflict as conflict:
        moved = {getattr(failure.guard, "key", "") for failure in conflict.failures}
        if REVERTS + step.activation in moved:
            return False
        if moved == {CLAIMS + step.activation}:  # it came true, or did not, in that moment: it does so once
            return await _undo(board, step, by, reason)
        raise
    return True


async def _depth(board: Board, step: Undoing) -> int:
    """How far what is undone is from the fed record."""
    found = [await board.get(key) for key in step.wrote]
    return max((record.depth for record in found if record is not None), default=0)


async def _put_back(board: Board, step: Undoing) -> tuple[list[Guard], list[Write]]:
    """The commit that puts each record back as it was before the contribution, if it still holds what that wrote."""
    guards: list[Guard] = []
    writes: list[Write] = []
    for key in step.wrote:
        change = await _change(board, key, step)
        present = await board.get(key)
        wrote = change.record.digest if change.record is not None else ""
        if (present.digest if present is not None else "") != wrote:
            author = f" by {present.author}" if present is not None else ""
            raise NotUndoable(f"{key} of {step.agent} was written since{author}: it is not put back")
        guards.append(At(key, present.commit) if present is not None else Absent(key))
        before = change.previous
        writes.append(Put(key, before.value, None, before.status) if before is not None else Delete(key))
    return guards, writes


async def _change(board: Board, key: str, step: Undoing) -> Change:
    for change in await board.history(key):
        if change.commit == step.commit:
            return change
    raise NotUndoable(f"the log holds no more what {step.agent} wrote to {key}: it cannot be put back")
