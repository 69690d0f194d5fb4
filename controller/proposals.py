"""Contributions that are seen by nobody until a validator has passed them.

What is proposed lies under ``control/proposals/``, where only validators watch, and its activation is ``proposed``.
The verdict on the last record that needs one is one commit: it ends the validator's activation and either writes all
that was proposed and ends the author's as executed, or removes it and fails the author's call.  So nothing is passed
twice, whoever is killed in between, and no reader needs to know of proposals.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from blackboard import codec
from blackboard.commit import Absent, At, Delete, Present, Unchanged
from blackboard.control_records import ACTIVATIONS, PROPOSALS
from blackboard.control_shapes import checked
from blackboard.errors import Conflict
from blackboard.group import Packed
from blackboard.record import Record, Stamp
from blackboard.record_status import PROPOSED, SUPPORTED, passed_by, status_of
from controller.activation import advance
from controller.aftermath import after_failure
from controller.claiming import claim_of, packed_claim
from controller.desk import packed_activation, proposal_key, removal, withdrawal
from controller.ended import Ended
from controller.retracting import note_support
from controller.setback import refused
from knowledge_sources.errors import InvalidContribution
from knowledge_sources.verdict import Reject

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from blackboard.commit import Guard, Write
    from blackboard.control_records import Activation, Proposed
    from controller.desk import Desk
    from controller.firing import Firing
    from knowledge_sources.context import Context
    from knowledge_sources.outcome import Contribution
    from knowledge_sources.source import KnowledgeSource
    from knowledge_sources.verdict import Said


def to_be_validated(source: KnowledgeSource, desk: Desk, writes: Iterable[Write]) -> list[str]:
    """The keys of a contribution that a validator has to pass first."""
    rules = desk.settings.validate
    return [
        write.key
        for write in writes
        if not isinstance(write, Delete)
        and (source.proposed or any(rule.match_key(write.key) is not None for rule in rules))
    ]


def proposal_of(
    firing: Firing,
    ctx: Context,
    outcome: Contribution,
    *,
    wanted: list[str],
    stamp: Stamp,
    guards: Sequence[Guard],
) -> tuple[Activation, list[Packed]]:
    """The activation that proposes ``outcome``, and what lies there until a validator has spoken.

    Raises :class:`InvalidContribution` for an update, whose function cannot wait, and what packing raises.
    """
    if outcome.updates:
        key = outcome.updates[0].key
        reason = f"updates {key} in a contribution that waits for a validator: write the new value instead"
        raise InvalidContribution(firing.source.name, reason, key=key)
    proposed: Proposed = {
        "wanted": wanted, "keys": [], "removes": [], "ttl_ms": {},
        "guards": [_as_listed(guard) for guard in guards if getattr(guard, "key", "") != firing.key], "passed": {},
    }  # fmt: skip
    packed = []
    for write in outcome.writes:
        if isinstance(write, Delete):
            proposed["removes"].append(write.key)
            continue
        if write.ttl_ms is not None:
            proposed["ttl_ms"][write.key] = write.ttl_ms
        proposed["keys"].append(write.key)
        lies = firing.desk.board.pack(write._replace(ttl_ms=None, status=PROPOSED), stamp)
        packed.append(lies._replace(key=proposal_key(firing.activation, write.key)))
    record = firing.finished(ctx, "proposed", [])
    record["proposed"] = proposed
    note_support(firing, ctx, outcome, record)
    return record, packed


def as_proposed(record: Record) -> Record:
    """A proposed record as its validator sees it: at the key where it is to stand."""
    key = record.key.removeprefix(PROPOSALS).partition("/")[2]
    shown: Record = Record(key, record.commit, record.revision, record.version, record.time_ms, record.packed)
    return shown


class _Waiting(NamedTuple):
    """The activation that waits for a verdict, as it stands."""

    activation: str
    record: Activation
    commit: str
    key: str
    """of the record that was judged"""

    @property
    def guard(self) -> At:
        return At(ACTIVATIONS + self.activation, self.commit)

    @property
    def proposed(self) -> Proposed:
        return self.record["proposed"]


async def settle_verdict(firing: Firing, ctx: Context, said: Said, own: Sequence[Guard]) -> Ended | None:
    """Commit what a validator said, guarded by ``own``; ``None`` where what it read has changed: it runs again.

    A contribution whose own guards do not hold any more is not written, whatever was said: its author is obviated, or
    runs again on what is there now.
    """
    desk = firing.desk
    judged = next(iter(firing.entry.triggers.values()))
    moot = False
    while True:
        waiting = _waiting(desk, judged)
        record = _verdict(firing, ctx, judged, said, waiting)
        writes = firing.closing(record, firing.source.name)
        held: list[Guard] = []
        if waiting is None:  # its author is gone, or never was
            follows = [removal(judged.key)]
        elif moot:
            follows, held = _moot(desk, waiting), [waiting.guard]
        elif isinstance(said, Reject):
            follows, held = _rejected(firing, waiting, record["reason"]), [waiting.guard]
        else:
            follows, held = _passed(firing, waiting)
        desk.hit("controller.before_verdict")
        try:
            done = await firing.submit([*own, *held], [*writes, *follows], firing.source.name)
        except Conflict as conflict:
            if waiting is not None and isinstance(said, Reject) and not moot:
                desk.ledger.note_rejected(waiting.record["work_item"], waiting.record["case"], -1)
            if waiting is None or any(failure.guard in own for failure in conflict.failures):
                return await refused(firing, ctx, conflict)
            await desk.caught_up(conflict)
            moot = all(failure.guard != waiting.guard for failure in conflict.failures)
        else:
            return Ended(record, done.commit)


def _waiting(desk: Desk, judged: Record) -> _Waiting | None:
    """Whose proposal ``judged`` is, if that still waits for a verdict."""
    activation = judged.key.removeprefix(PROPOSALS).partition("/")[0]
    found = desk.replica.get(ACTIVATIONS + activation)
    if found is None or checked(found).value["state"] != "proposed" or "proposed" not in found.value:
        return None
    key = as_proposed(judged).key
    record: Activation = found.fresh().value
    return _Waiting(activation, record, found.commit, key) if key in record["proposed"]["keys"] else None


def _verdict(firing: Firing, ctx: Context, judged: Record, said: Said, waiting: _Waiting | None) -> Activation:
    """The validator's own activation as it ends."""
    record = firing.finished(ctx, "executed", [])
    key, passed = as_proposed(judged).key, not isinstance(said, Reject)
    record["verdict"] = {
        "passed": passed, "key": key, "activation": judged.activation, "score": said.score, "reason": said.reason
    }  # fmt: skip
    score = f" (score {said.score:g})" if said.score is not None else ""
    why = f": {said.reason}" if said.reason else ""
    record["reason"] = f"{firing.source.name} {'passed' if passed else 'rejected'} {key}{score}{why}"
    if waiting is None:
        record["reason"] += "; nobody waits for that any more"
    return record


def _passed(firing: Firing, waiting: _Waiting) -> tuple[list[Packed], list[Guard]]:
    """One key is passed; if that was the last, all that was proposed is written now, held to the author's guards."""
    desk, validator, proposed = firing.desk, firing.source.name, waiting.proposed
    proposed["passed"][waiting.key] = validator
    proposed["wanted"] = [key for key in proposed["wanted"] if key != waiting.key]
    if proposed["wanted"]:
        return [packed_activation(waiting.activation, waiting.record, validator)], [waiting.guard]
    supported = waiting.record["supports"]["keys"] if "supports" in waiting.record else ()
    writes = [removal(key) for key in proposed["removes"]]
    for key in proposed["keys"]:
        lies = desk.replica.get(proposal_key(waiting.activation, key))
        if lies is not None:  # it is there while its activation is proposed, or the guard on that fails
            by = proposed["passed"].get(key)
            status = status_of(SUPPORTED if key in supported else "", passed_by(by) if by is not None else "")
            writes.append(_standing(desk, key, lies, status, proposed["ttl_ms"].get(key)))
    names = " and ".join(dict.fromkeys(proposed["passed"].values()))
    ended = advance(waiting.record, "executed", ended_ms=desk.now_ms(), reason=f"passed by {names}")
    ended["wrote"] = [*proposed["keys"], *proposed["removes"]]
    source = desk.sources.get(ended["agent"])
    if source is not None and source.claim is not None:
        claim = claim_of(source.claim, ended, ended["wrote"])
        writes.append(packed_claim(waiting.activation, claim, ended["case"]))
    removed = withdrawal(waiting.activation, ended)
    held = [waiting.guard, *(_as_guard(listed) for listed in proposed["guards"])]
    return [*writes, packed_activation(waiting.activation, ended, validator), *removed], held


def _standing(desk: Desk, key: str, lies: Record, status: str, ttl_ms: int | None) -> Packed:
    """A proposed record as it stands from now on: the same value under the same stamp."""
    head = lies.head
    stamp = Stamp(head.author, head.activation, head.case, head.causes, head.depth, head.trust)
    expires_ms = 0 if ttl_ms is None else desk.now_ms() + ttl_ms
    data, digest = codec.pack_record(stamp, status, expires_ms, head.value)
    return Packed(key, expires_ms, digest, data)


def _rejected(firing: Firing, waiting: _Waiting, reason: str) -> list[Packed]:
    """The author's call has failed; what follows is decided as for any other, and the next attempt is told why."""
    desk, record = firing.desk, waiting.record
    source = desk.sources.get(record["agent"])
    if source is None:
        return _again(desk, waiting, f"{record['agent']} is not here; {reason}")
    desk.ledger.note_rejected(record["work_item"], record["case"])
    failed = advance(record, "failed")
    removed = withdrawal(waiting.activation, failed)
    cost = math.fsum(usage["cost"] for usage in record.get("usage", ()))
    aftermath = after_failure(
        desk, source, waiting.activation, failed, failure="invalid", error=reason, cost=cost,
        ended_ms=record.get("ended_ms"),
    )  # fmt: skip
    return [*removed, *aftermath.writes, packed_activation(waiting.activation, aftermath.record, desk.member)]


def _moot(desk: Desk, waiting: _Waiting) -> list[Packed]:
    """What the contribution was made from has moved on."""
    record = waiting.record
    for _, key, commit in record["triggers"]:
        present = desk.replica.get(key)
        if present is None or present.commit != commit:
            reason = f"too late: {key} has changed before a validator had passed what came of it"
            ended = advance(record, "obviated", ended_ms=desk.now_ms(), reason=reason)
            removed = withdrawal(waiting.activation, ended)
            return [*removed, packed_activation(waiting.activation, ended, desk.member)]
    return _again(desk, waiting, "what it read has changed before a validator had passed what came of it")


def _again(desk: Desk, waiting: _Waiting, reason: str) -> list[Packed]:
    """The author is to run again, which is no failed call; where something excludes it by now, it is obviated then."""
    record = waiting.record
    again = advance(record, "pending", attempt=record["attempt"] - 1, reason=reason)
    for past in ("ended_ms", "usage", "read", "log", "supports"):
        again.pop(past, None)  # type: ignore[misc]  # optional fields, all of them
    removed = withdrawal(waiting.activation, again)
    return [*removed, packed_activation(waiting.activation, again, desk.member)]


def _as_listed(guard: Guard) -> list[str]:
    if isinstance(guard, At):
        return ["at", guard.key, guard.commit]
    if isinstance(guard, Unchanged):
        return ["unchanged", guard.region, str(guard.since)]
    return ["absent" if isinstance(guard, Absent) else "present", getattr(guard, "key", ""), ""]


def _as_guard(listed: Sequence[str]) -> Guard:
    kind, what, commit = listed
    if kind == "at":
        return At(what, commit)
    if kind == "unchanged":
        return Unchanged(what, commit)
    return Absent(what) if kind == "absent" else Present(what)
