"""The bytes that a server gives back: records, values, log entries, outcomes, greetings.  Others can write there, too."""

from __future__ import annotations

import contextlib
import json
import re
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import msgpack  # type: ignore[import-untyped]  # the package ships no types

from blackboard.codec import check_value, pack_record, pack_value, unpack_head, unpack_value, verify
from blackboard.commit import Absent, At, Present, Previous, Unchanged
from blackboard.errors import Corrupt, InvalidValue
from blackboard.group import Packed, Request, parse_reply
from blackboard.log import parse_entry
from blackboard.record import Stamp, parse_stored
from blackboard.scripts import Greeting
from tests.fuzz.samples import texts_of_tests
from tests.fuzz.target import Disagreement, Target
from tests.fuzz.values import exactly, random_value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

_GUARDS = (At("a/1", "1-1"), Absent("a/2"), Present("b/1"), Unchanged("a", 3), Previous())
_PART = b"\x1e\x1e"
"""between the parts of a log entry or a greeting, which come as several"""
WORDS = [
    b"H", b"V", b"S", b"E", b"R", b"G", b"P", _PART, b"1-1", b"1 1 1 1700000000000 ", b"p - 1 ", b"d 1-1 0 ", b"x 1-1 0 ", b"R 1 1700000000000\n",
    b"+1 1 2\n", b"+0 = =1-1/2\n", b"-0:1-1:0 1::0\n", b"!1 5 +1 1\n", b"?\n", b" ", b"-", b"\n", b":", b"/", b"ok", b"lost",
    b"\xc0", b"\xc1", b"\xc2", b"\xc4\x01a", b"\xc7\x00\x01", b"\xd4\x01a", b"\xca\x7f\x80\x00\x00", b"\xcb\x7f\xf8" + bytes(6), b"\xcf" + b"\xff" * 8,
    b"\xd9\x02\xed\xa0", b"\xdc\xff\xff", b"\xdd\xff\xff\xff\xff", b"\xde\xff\xff", b"\xdf\x7f\xff\xff\xff", b"\x90", b"\x80", b"\x81\x01\x02", b"\x9a",
    b"\xdb\xff\xff\xff\xff", b"\xc6\xff\xff\xff\xff", b"\xa1a",
]  # fmt: skip


def take(data: bytes) -> str:
    kind, content = data[:1], data[1:]
    readers = {b"H": _head, b"S": _stored, b"E": _entry, b"R": _reply, b"G": _greeting, b"P": _packed}
    try:
        return readers.get(kind, _value)(content)
    except Corrupt as error:
        return f"{kind!r} corrupt {type(error.__cause__).__name__} {str(error.__cause__)[:12]}"


def _value(content: bytes) -> str:
    """What is read can be written, if it is not too much, and is then the same."""
    value = unpack_value(content)
    try:
        packed = pack_value(value)
    except InvalidValue as error:
        if re.match(r"deeper than|more than .* nodes|[\d,]+ bytes", error.reason):
            return "too much"
        raise Disagreement(f"read, and not to be written: {error}") from error
    if exactly(unpack_value(packed)) != exactly(value):
        raise Disagreement(f"{value!r} became {unpack_value(packed)!r}")
    return f"value {type(value).__name__} {len(str(value)) > 20}"


def _head(content: bytes) -> str:
    head = unpack_head(content)
    verify(head)
    with contextlib.suppress(Corrupt):
        _value(head.value)
    return f"head {bool(head.author)} {bool(head.causes)} {verify(head)}"


def _stored(content: bytes) -> str:
    record = parse_stored("a/1", content)
    with contextlib.suppress(Corrupt):
        repr((record.reference, record.head, record.value))
    return f"stored {len(record.commit)}"


def _entry(content: bytes) -> str:
    identity, *fields = content.split(_PART)
    entry = parse_entry((identity, fields))
    for change in entry.changes:
        if change.record is not None:
            with contextlib.suppress(Corrupt):
                repr(change.record.value)
    return f"entry {sorted({change.operation for change in entry.changes})}"


def _reply(content: bytes) -> str:
    """Outcomes of three commits: what the store does not take for broken would leave its callers waiting."""
    requests = [_request(0, 1), _request(5, 2), _request(1, 0)]
    try:
        reply = parse_reply(content, requests)
    except (ValueError, IndexError) as error:  # as the store does
        raise Corrupt("a reply") from error
    if len(reply.outcomes) != len(requests):
        raise Disagreement(f"{len(reply.outcomes)} outcomes for {len(requests)} commits")
    return f"reply {[type(outcome).__name__ for outcome in reply.outcomes]}"


def _request(guards: int, writes: int) -> Request:
    future: Any = SimpleNamespace()
    return Request(_GUARDS[:guards], [Packed(f"a/{n}", 0, "d", b"x") for n in range(writes)], "ada", future, "once")


def _greeting(content: bytes) -> str:
    parts = content.split(_PART)
    try:
        greeting = Greeting(parts)
    except ValueError as error:
        if len(parts) == 5 and not isinstance(error, UnicodeDecodeError):
            raise
        raise Corrupt("a greeting") from error
    return f"greeting {greeting.head[:1]}"


def _packed(content: bytes) -> str:
    """A value out of JSON or another's msgpack: stored as it is, or refused."""
    try:
        value = json.loads(content)
    except (ValueError, RecursionError):
        try:
            value = msgpack.unpackb(content, strict_map_key=False, timestamp=3)
        except (ValueError, OverflowError, msgpack.exceptions.UnpackException, RecursionError, TypeError, MemoryError):
            return "nothing to pack"
    try:
        check_value(value)
        packed = pack_value(value)
    except InvalidValue as error:
        return f"refused {error.reason[:12]}"
    if exactly(unpack_value(packed)) != exactly(value):
        raise Disagreement(f"{value!r} became {unpack_value(packed)!r}")
    for status, expires_ms in (("", 0), ("proposed", 77)):
        data, digest = pack_record(Stamp("ada", causes=("a@1-1",)), status, expires_ms, packed)
        head = unpack_head(data)
        if (head.value, head.status, head.expires_ms, head.digest) != (packed, status, expires_ms, digest):
            raise Disagreement(f"packed as {packed!r}, unpacked as {head!r}")
        if not verify(head):
            raise Disagreement(f"the digest of {packed!r} does not hold")
    return f"packed {type(value).__name__}"


def samples() -> Sequence[bytes]:
    data, _ = pack_record(
        Stamp("ada", "act", "case/1", ("a@1-1",), 2, 1), "status", 77, pack_value({"x": [1, 2.5, None, "é", b"\xff"]})
    )
    changes = [b"a/1", b"p 1-6 2 " + data, b"b/1", b"d 1-5 0 ", b"c", b"x 1-2 0 "]
    refused = b"R 1 5\n+1 1\n-0:1-9:%d 2:1-1:0\n%s\n+0 " % (len(data) + 8, b"1 9 2 5 " + data)
    found = [
        b"H" + data,
        b"S1 7 3 1700000000000 " + data,
        b"V" + pack_value({"a": {"b": [True, -1, 2**64 - 1]}}),
        b"E" + _PART.join([b"1-7", b"", b"1700000000000 ada", *changes]),
        b"RR 1 1700000000000 a b\n+7 1\n-0:1-1:0 1::0 4::0\n\n+0 ",
        b"RR 1 1700000000000\n!1 5 +3 1\n+8 2 =\n?",
        b"RR 1 5\n+1 1\n+2 1 0\n+0 ",
        b"R" + refused,
        b"G" + _PART.join([b"ok", b"1", b"7", b"run", b"1700000000000"]),
    ]
    for text in texts_of_tests("codec", "record", "group"):
        found += [kind + text for kind in (b"H", b"V", b"S", b"E", b"R", b"P")]
    return found


def fresh(chance: Random) -> bytes:
    """A value packed by hand, which may hold what no value may."""
    value = random_value(chance)
    packed: bytes = msgpack.packb(value)
    if chance.random() < 0.2:
        fields: list[Any] = ["ada", "act", "case/1", ["a@1-1"], 2, 1, "status", 77, "d" * 32, packed]
        fields[chance.randrange(10)] = value
        return b"H" + bytes(msgpack.packb(fields))
    kind = chance.choice((b"V", b"V", b"P", b"H", b"S"))
    if kind in (b"H", b"S"):
        packed, _ = pack_record(
            Stamp(chance.choice(("", "ada"))), chance.choice(("", "s")), chance.choice((0, 5)), packed
        )
    return kind + (b"1 7 3 1700000000000 " if kind == b"S" else b"") + packed


TARGET = Target("codec", take, samples, WORDS, fresh)
