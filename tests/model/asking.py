"""From what was chosen to what is asked: of the board in its words, of the model in the model's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from blackboard.commit import Absent, At, Delete, Guard, Present, Previous, Put, Unchanged
from tests.model.choices import VALUES
from tests.model.model import Asked, Write

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from tests.model.choices import CommitChoice, GuardChoice, WriteChoice
    from tests.model.model import Model


class Asking(NamedTuple):
    """One commit: the arguments of :meth:`Board.commit`, and the same for the model."""

    guards: list[Guard]
    writes: list[Put | Delete]
    once: str | None
    asked: Asked


def asking(model: Model, choice: CommitChoice, author: str) -> Asking:
    """``choice`` on the board as ``model`` has it now; of several writes to one key the first counts."""
    chosen, writes, once = choice
    guards = [guard_of(model, one) for one in chosen]
    kept: dict[str, WriteChoice] = {}
    for write in writes:
        kept.setdefault(write[1], write)
    puts: list[Put | Delete] = []
    for operation, key, value, ttl_ms, status in kept.values():
        puts.append(Put(key, VALUES[value], ttl_ms or None, status) if operation == "put" else Delete(key))
    expected = tuple(write_of(model, put) for put in puts)
    asked = Asked(author, tuple(guards), expected, once, payload_of(puts))
    return Asking(guards, puts, once or None, asked)


def guard_of(model: Model, choice: GuardChoice) -> Guard:
    """The guard that ``choice`` means now."""
    kind, what, which = choice
    if kind == "absent":
        return Absent(what)
    if kind == "present":
        return Present(what)
    if kind == "previous":
        return Previous()
    if kind == "unchanged":
        return Unchanged(what, since_of(model, what, which))
    held = model.get(what)
    if kind == "fits":
        return Absent(what) if held is None else At(what, held.commit)
    return At(what, commit_of(model, what, which))


def since_of(model: Model, region: str, which: str) -> int | str:
    """A revision or a commit: the head, the region's last, the one before that, or one that there was not yet.

    ``gone``: the head's revision in the epoch before, in which there was none of that number if this one has any.
    """
    now, changed = model.revision, model.regions.get(region, 0)
    if which == "head":
        return model.head()
    if which == "next":
        return f"{model.epoch}-{now + 1}"
    if which == "gone":
        return f"{max(1, model.epoch - 1)}-{now}"
    if which == "commit":
        return model.log[changed - 1].commit if changed else f"1-{changed}"
    return {"now": now, "region": changed, "before": max(0, changed - 1), "ahead": now + 1}[which]


def commit_of(model: Model, key: str, which: str) -> str:
    """The commit that stands at ``key``, one that stood there, the one that comes next, another record's, or one
    of the right revision in an epoch that never was."""
    held = model.records.get(key)
    present = held.commit if held is not None else "1-0"
    if which == "present":
        return present
    if which == "next":
        return f"{model.epoch}-{model.revision + 1}"
    if which == "era":
        return f"{model.epoch + 1}-{present.partition('-')[2]}"
    if which == "other":
        return next((other.commit for other in model.records.values() if other.key != key), "1-0")
    return next((e.commit for e in model.log for change in e.changes if change.key == key), "1-0")


def write_of(model: Model, write: Put | Delete, case: str = "") -> Write:
    """``write`` as the model has it, in the present time."""
    if isinstance(write, Delete):
        return Write(write.key, removes=True)
    expires_ms = model.now_ms + write.ttl_ms if write.ttl_ms is not None else 0
    return Write(write.key, write.value, write.status, expires_ms, case)


def payload_of(writes: Iterable[Put | Delete], updates: Sequence[str] = ()) -> tuple[Any, ...]:
    """What an idempotency key stands for: values, status and times to live, not the instants that these end at."""
    parts: list[Any] = [
        (write.key, repr(write.value), write.status, write.ttl_ms) if isinstance(write, Put) else (write.key,)
        for write in writes
    ]
    return (*parts, *((key, "update") for key in updates))
