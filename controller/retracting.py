"""Taking back what stood only while its causes did: who rests on what is read from records, what goes is one commit."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from blackboard.commit import At, Put
from blackboard.control_records import ACTIVATIONS, CLAIMS
from blackboard.errors import Conflict, Corrupt, InvalidInput
from blackboard.pattern import Pattern
from blackboard.record import revision_of
from blackboard.record_status import is_supported
from controller.claiming import given_up, packed_claim
from controller.desk import packed_activation, removal
from controller.support import Absence, Justification, Retraction

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blackboard.commit import Guard
    from blackboard.control_records import Activation, Supports
    from blackboard.group import Packed
    from blackboard.record import Record
    from controller.desk import Desk
    from controller.firing import Firing
    from knowledge_sources.context import Context
    from knowledge_sources.outcome import Contribution

AT_ONCE: Final = 500
"""records that one commit takes back; a crash between two leaves the rest to the next controller"""


def note_support(firing: Firing, ctx: Context, outcome: Contribution, record: Activation) -> None:
    """Say in the activation's record which of its writes stand only while their causes do, if any does."""
    if ctx.logical:
        keys = [write.key for write in outcome.writes if isinstance(write, Put) and is_supported(write.status)]
        if keys:
            record["supports"] = _supports(firing, ctx, keys)


def _supports(firing: Firing, ctx: Context, keys: list[str]) -> Supports:
    """What ``keys`` rest on, beside the triggers and what was read."""
    absent = [[pattern.text, ""] for pattern in firing.source.unless]
    absent += [[f"{region}/**", commit] for region, commit in ctx.regions.items()]
    return {"keys": keys, "absent": absent}


def justification_of(record: Record[Any]) -> Justification | None:
    """The justification that an executed activation's record is; ``None`` where it lets nothing stand."""
    value: Activation = record.value
    if value["state"] != "executed" or "supports" not in value or "withdrawn" in value:
        return None
    own = frozenset(value.get("wrote", ()))
    causes = {key: commit for _, key, commit in value["triggers"]} | dict(value.get("read", ()))
    captures = value["captures"]
    try:
        absent = tuple(
            Absence(Pattern.parse(text), captures, revision_of(commit)) for text, commit in value["supports"]["absent"]
        )
        for absence in absent:
            _ = absence.place  # raises here where somebody else wrote captures that make no key
    except (InvalidInput, ValueError) as error:
        raise Corrupt(f"the record {record.key!r} is not what the runtime writes there: {error}") from error
    return Justification(
        record.key.removeprefix(ACTIVATIONS),
        record.revision,
        tuple(value["supports"]["keys"]),
        {key: commit for key, commit in causes.items() if key not in own},
        absent,
        own,
    )


async def retract(desk: Desk, retraction: Retraction) -> None:
    """Commit ``retraction`` as the leader.  Where something has moved in that moment it is looked at again."""
    for part in _parts(retraction):
        desk.hit("controller.before_retraction")
        guards, writes = _commit(desk, part)
        done = await desk.commit_leading(guards, writes) if writes else ""
        if isinstance(done, Conflict):
            await desk.caught_up(done)
            desk.support.restore(part, desk.replica)
        else:
            await desk.replica.caught_up(revision_of(done))
            desk.support.done(part)


def _parts(retraction: Retraction) -> Iterator[Retraction]:
    """``retraction`` in pieces that fit into a commit, each contribution with the last of its records."""
    records, fallen = iter(retraction.records.items()), list(retraction.fallen)
    seen: set[str] = set()
    while True:
        part = dict(islice(records, AT_ONCE))
        seen |= part.keys()
        last = len(part) < AT_ONCE
        going = [one for one in fallen if last or seen.issuperset(one.justification.keys)][:AT_ONCE]
        fallen = [one for one in fallen if one not in going]
        yield Retraction(part, tuple(going))
        if last and not fallen:
            return


def _commit(desk: Desk, part: Retraction) -> tuple[list[Guard], list[Packed]]:
    guards: list[Guard] = [At(key, commit) for key, commit in part.records.items()]
    writes = [removal(key) for key in part.records]
    for justification, because in part.fallen:
        found = desk.replica.get(ACTIVATIONS + justification.activation)
        if found is None:
            continue
        record: Activation = found.fresh().value
        record["withdrawn"] = because
        record["reason"] = f"what it wrote rests on it no more: {because}"
        guards.append(At(found.key, found.commit))
        writes.append(packed_activation(justification.activation, record, desk.member))
        claim = desk.replica.get(CLAIMS + justification.activation)
        if claim is not None and claim.value["status"] == "open" and justification.own.issubset(justification.keys):
            guards.append(At(claim.key, claim.commit))
            ended = given_up(claim, f"what it claims was taken back: {because}", desk.now_ms())
            writes.append(packed_claim(justification.activation, ended, record["case"]))
    return guards, writes
