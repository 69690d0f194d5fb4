"""A group of commits as one call of ``commit.lua``: the arguments out, the outcomes back."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from blackboard.commit import Absent, At, Committed, Guard, Present, Previous, Unchanged, Written
from blackboard.errors import Conflict, Corrupt, GuardFailure, OnceMismatch
from blackboard.record import parse_stored

if TYPE_CHECKING:
    from asyncio import Future
    from collections.abc import Sequence

    from blackboard.codec import Head
    from blackboard.keys import BoardKeys
    from blackboard.link import Argument

MAX_COMMITS = 256
MAX_OPERATIONS = 4096
MAX_BYTES = 1 << 20
SESSION_TTL_MS = 24 * 3600 * 1000


class Packed(NamedTuple):
    """A write as the server gets it; an empty ``digest`` removes the record."""

    key: str
    expires_ms: int
    digest: str
    data: bytes
    head: Head | None = None
    """what is in ``data``, where whoever packed it keeps that for the record that it becomes"""


class Request:
    """One commit on its way, with the future that its caller awaits."""

    __slots__ = ("author", "future", "guards", "once", "once_digest", "once_ttl_ms", "operations", "size", "writes")

    def __init__(  # noqa: PLR0917  # made for every commit, and keywords cost
        self,
        guards: Sequence[Guard],
        writes: Sequence[Packed],
        author: str,
        future: Future[Committed],
        once: str = "",
        once_digest: str = "",
        once_ttl_ms: int = 0,
    ) -> None:
        self.guards = guards
        self.writes = writes
        self.author = author
        self.future = future
        self.once = once
        self.once_digest = once_digest
        self.once_ttl_ms = once_ttl_ms
        self.operations = len(guards) + len(writes)
        size = 0
        for write in writes:
            size += len(write[3]) + 64
        self.size = size

    def unsendable(self) -> str:
        """What in this commit no connection takes, ``""`` where nothing is."""
        texts = [self.author, self.once, *(field for guard in self.guards for field in guard)]
        texts += [field for write in self.writes for field in (write.key, write.digest)]
        for text in texts:
            if type(text) is str:
                if not text.isascii() and any("\ud800" <= character <= "\udfff" for character in text):
                    return f"a lone surrogate in {text!r}"
            elif type(text) is not int:
                return f"{text!r} is not text or a number"
        return ""


def arguments_of(  # noqa: C901  # one pass over a group, 20,000 times a second: calls would cost more than they explain
    keys: BoardKeys,
    requests: Sequence[Request],
    *,
    session: str,
    sequence: int,
    epoch: int,
    time_ms: int | None,
    due_regions: Sequence[str] = (),
) -> tuple[list[str], list[Argument]]:
    """``KEYS`` and ``ARGV`` of ``commit.lua`` for ``requests``, as the head of that file lays them out."""
    regions: dict[str, int] = {}
    numbers: dict[str, int] = {}
    table: list[Argument] = []
    once_keys: list[str] = []
    body: list[Argument] = []
    for region in due_regions:
        regions.setdefault(region, len(regions) + 1)

    def number_of(key: str) -> int:
        number = numbers.get(key)
        if number is None:
            number = numbers[key] = len(numbers) + 1
            region = key.partition("/")[0]
            place = regions.get(region)
            if place is None:
                place = regions[region] = len(regions) + 1
            table.append(key)
            table.append(place)
        return number

    add = body.extend
    for request in requests:
        once = 0
        if request.once:
            name = keys.once(request.once)
            if name not in once_keys:
                once_keys.append(name)
            once = once_keys.index(name) + 1
        add((request.author, once, request.once_digest, request.once_ttl_ms, len(request.guards), len(request.writes)))
        for guard in request.guards:
            kind = type(guard)
            if kind is At:
                add(("c", number_of(guard[0]), guard[1]))  # type: ignore[misc]  # the type was just tested
            elif kind is Absent:
                add(("a", number_of(guard[0]), ""))  # type: ignore[misc]
            elif kind is Present:
                add(("p", number_of(guard[0]), ""))  # type: ignore[misc]
            elif isinstance(guard, Unchanged):
                place = regions.setdefault(guard.region, len(regions) + 1)
                add(("r", place, guard.since))
            else:
                add(("$", 0, ""))
        for key, expires_ms, digest, data, _ in request.writes:
            add((number_of(key), expires_ms, digest, data))

    names = [keys.meta, keys.log, keys.revisions, keys.regions, keys.expiries, keys.session(session)]
    names += [keys.records(region) for region in regions]
    names += once_keys
    head: list[Argument] = [sequence, epoch, "" if time_ms is None else time_ms, SESSION_TTL_MS]
    head.append(len(regions))
    head += regions
    head.append(len(numbers))
    return names, [*head, *table, len(requests), *body]


class Reply(NamedTuple):
    """A group's answer: the time it was done at, regions with more records due, an outcome per request."""

    time_ms: int
    due_regions: tuple[str, ...]
    outcomes: Sequence[Committed | Exception]


def parse_reply(blob: bytes, requests: Sequence[Request]) -> Reply:
    """The outcomes in ``blob``, the answer of ``commit.lua`` that begins with ``R``."""
    end = blob.find(b"\n")
    head = blob[:end].decode().split(" ")
    epoch, time_ms = int(head[1]), int(head[2])
    at = end + 1
    if blob.count(b"\n+") == blob.count(b"\n") == len(requests):  # the usual case: all were applied
        lines = blob[at:].decode().split("\n")
        applied = [_applied(line[1:].split(" "), r, epoch, time_ms) for line, r in zip(lines, requests, strict=True)]
        return Reply(time_ms, tuple(head[3:]), applied)
    outcomes: list[Committed | Exception] = []
    for request in requests:
        end = blob.find(b"\n", at)
        line = blob[at : end if end >= 0 else len(blob)]
        at = end + 1
        mark = line[:1]
        if mark == b"+":
            outcomes.append(_applied(line[1:].decode().split(" "), request, epoch, time_ms))
        elif mark == b"-":
            refusal, at = _refused(line, blob, at, request, time_ms)
            outcomes.append(refusal)
        elif mark == b"!":
            first_epoch, first_time, first = line[1:].decode().split(" ", 2)
            outcome = _applied(first[1:].split(" "), request, int(first_epoch), int(first_time))
            outcomes.append(outcome._replace(repeated=True))
        elif mark == b"*":
            outcomes.append(Corrupt(line[1:].decode()))
        elif mark == b"?":
            outcomes.append(OnceMismatch(request.once))
        else:
            raise Corrupt(f"an outcome that begins with {mark!r}")
    return Reply(time_ms, tuple(head[3:]), outcomes)


def _applied(fields: list[str], request: Request, epoch: int, time_ms: int) -> Committed:
    revision = int(fields[0])
    commit = f"{epoch}-{revision}" if revision else ""
    written = []
    for write, result in zip(request.writes, fields[1:], strict=bool(request.writes)):  # no writes: one empty field
        if result[0] != "=":
            written.append(Written(write[0], commit, int(result), True))
        elif len(result) > 1:
            stands, _, version = result[1:].partition("/")
            written.append(Written(write[0], stands, int(version), False))
        else:
            written.append(Written(write[0], "", 0, False))
    return Committed(commit, revision, time_ms, tuple(written))


def _refused(line: bytes, blob: bytes, at: int, request: Request, time_ms: int) -> tuple[Conflict | Corrupt, int]:
    failures = []
    broken: Corrupt | None = None
    for part in line[1:].decode().split(" "):
        number, commit, length = part.split(":")
        guard = request.guards[int(number)]
        data = blob[at : at + int(length)]
        at += int(length)
        record = None
        if data and not isinstance(guard, Unchanged | Previous):
            try:
                record = parse_stored(guard.key, data)
                if 0 < record.expires_ms <= time_ms != record.time_ms:  # it was written in another call
                    broken = Corrupt(f"the time of {guard.key!r} is over, and nobody told the board when it is")
            except Corrupt as error:  # one caller's trouble, not that of all in the group
                broken = error
        failures.append(GuardFailure(guard, commit, record))
    return broken or Conflict(failures), at + 1
