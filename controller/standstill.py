"""What becomes of one that would only go round once more: it is held back, and its supervisor or a person is asked."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, Final

from blackboard.control_records import ACTIVATIONS, ATTENTION, ESCALATIONS
from blackboard.errors import BlackboardError
from blackboard.log import parse_entry
from blackboard.wording import first_line
from controller.activation import advance
from controller.aftermath import ask_person, ladder_of, subject_of
from controller.desk import packed_control, removal
from controller.opening import undispatched
from controller.supervision import AskSupervisor, attention, attention_key

if TYPE_CHECKING:
    from blackboard.control_records import Activation, Escalation, State
    from blackboard.group import Packed
    from controller.desk import Desk
    from controller.entry import Entry
    from controller.stalling import Refusal

VALUES_TOLD: Final = 3
VALUE_CHARACTERS: Final = 24


async def hold_back(desk: Desk, entry: Entry, stored: tuple[Activation, str] | None, refusal: Refusal) -> None:
    """Hold ``entry`` back and ask the first on its ladder; ``stored`` is its record and commit, if it has one.

    Where the matter was decided before, it is vetoed instead: whoever decided is not overwritten by those who could
    not agree.
    """
    activation, source = entry.activation, desk.sources[entry.agent]
    record, commit = stored if stored is not None else (undispatched(entry, desk), "")
    if refusal.settled_by:
        why = f"{refusal.settled_by} has decided what {entry.agent} goes on about for {entry.case}"
        vetoed = advance(record, "vetoed", ended_ms=desk.now_ms(), failure="stalled", reason=why)
        await desk.write_over(activation, commit, vetoed, ())
        return
    told = f"{entry.agent} was not called for {entry.case}: {refusal.why}{await _particulars(desk, entry, refusal)}"
    asked = ladder_of(source).ask(subject_of(activation, record), desk.now_ms(), desk.roster())
    writes: tuple[Packed, ...]
    if isinstance(asked, AskSupervisor):
        reason = f"{told}; {asked.supervisor} decides"
        after = advance(record, "held", failure="stalled", reason=reason, stall=list(refusal.stall))
        subject = subject_of(activation, after)
        note = attention(asked, subject, desk.now_ms(), kind="stalled", failure="stalled", reason=reason)
        writes = (packed_control(attention_key("stalled", activation), note, desk.member, entry.case),)
    else:
        sentence = f"{told}; waiting for a person"
        after, writes = ask_person(desk, source, activation, record, failure="stalled", sentence=sentence)
        after["stall"] = list(refusal.stall)
    desk.hit("controller.before_escalation")
    if await desk.write_over(activation, commit, after, writes) is None:
        return  # it came to something else at that moment
    before = desk.stalls.asked(refusal.stall, activation)
    if before:
        await _withdraw(desk, before, f"{entry.agent} would have fired on a newer version since")


async def _particulars(desk: Desk, entry: Entry, refusal: Refusal) -> str:
    """What stood there in turn, and what the case has cost so far."""
    values = ""
    if refusal.stall[0] == "toggles":
        try:
            shown = ", ".join(await _last_values(desk, refusal.stall[1]))
        except BlackboardError:  # what others wrote there, or a server that is away: told without
            shown = ""
        values = f" ({shown}…)" if shown else ""
    cost = desk.ledger.cost("case", entry.case)
    return values + (f", and the case has cost {cost:.4g}" if cost else "")


async def _last_values(desk: Desk, key: str) -> list[str]:
    """What stood at ``key`` in turn, at last what stands there now, as far as the log goes back; a few look-ups."""
    present, found = desk.replica.get(key), list[str]()
    commit = present.commit if present is not None else ""
    while commit and len(found) < VALUES_TOLD:
        raw: Any = await desk.store.read("XRANGE", desk.store.keys.log, commit, commit)
        change = next((one for one in parse_entry(raw[0]).changes if one.key == key), None) if raw else None
        if change is None:
            break
        found.append(_shown(change.record.value) if change.record is not None else "nothing")
        commit = change.previous_commit
    return found[::-1]


def _shown(value: object) -> str:
    return first_line(json.dumps(value, default=repr, ensure_ascii=False), VALUE_CHARACTERS)


async def _withdraw(desk: Desk, activation: str, reason: str) -> None:
    """Give up an activation that somebody was asked about, where what it was to fire on has changed since."""
    waiting = desk.replica.get(ACTIVATIONS + activation)
    if waiting is None or waiting.value["state"] not in ("held", "escalated"):
        return
    record: Activation = waiting.fresh().value
    present = {key: desk.replica.get(key) for _, key, _ in record["triggers"]}
    if all((there := present[key]) is not None and there.commit == commit for _, key, commit in record["triggers"]):
        return  # it stands beside the new one
    state: State = "cancelled" if record["state"] == "held" else "abandoned"
    writes: list[Packed] = []
    asked = desk.replica.get(ESCALATIONS + activation)
    if asked is not None:
        stale: Escalation = asked.fresh().value
        stale["status"], stale["reason"] = "stale", reason
        writes.append(packed_control(asked.key, stale, desk.member, asked.case))
    if desk.replica.get(f"{ATTENTION}stalled/{activation}") is not None:
        writes.append(removal(f"{ATTENTION}stalled/{activation}"))
    ended = advance(record, state, ended_ms=desk.now_ms(), reason=reason)
    await desk.write_over(activation, waiting.commit, ended, writes)
