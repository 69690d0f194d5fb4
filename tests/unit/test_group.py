"""A group of commits as arguments of the script, and the script's answer as outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from blackboard import codec
from blackboard.commit import Absent, At, Committed, Present, Previous, Unchanged, Written
from blackboard.errors import Conflict, Corrupt, OnceMismatch
from blackboard.group import SESSION_TTL_MS, Packed, Request, arguments_of, parse_reply
from blackboard.keys import BoardKeys
from blackboard.record import Stamp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.commit import Guard

KEYS = BoardKeys("main")


def request(guards: Sequence[Guard], writes: Sequence[Packed], author: str = "", once: str = "") -> Request:
    future: Any = None  # nobody waits: what is tested here never tells an outcome
    return Request(guards, writes, author, future, once, "d16e57" if once else "", 60_000 if once else 0)


def test_keys_and_regions_are_named_once_and_referred_to_by_number() -> None:
    names, arguments = arguments_of(
        KEYS,
        [
            request([At("a/1", "1-2"), Absent("b/1"), Unchanged("c", 7)], [Packed("a/1", 0, "d", b"x")], "ada", "k"),
            request([Previous(), Present("a/1")], [Packed("b/1", 9, "e", b"y"), Packed("a/1", 0, "", b"")], once="k"),
        ],
        session="s", sequence=5, epoch=2, time_ms=None, due_regions=("old",),
    )  # fmt: skip
    p = "bb:{main}:"
    assert names == [
        p + "meta", p + "log", p + "revisions", p + "regions", p + "expiries", p + "session:s",
        p + "records:old", p + "records:a", p + "records:b", p + "records:c", p + "once:k",
    ]  # fmt: skip
    assert arguments == [
        5, 2, "", SESSION_TTL_MS, 4, "old", "a", "b", "c", 2, "a/1", 2, "b/1", 3, 2,
        "ada", 1, "d16e57", 60_000, 3, 1, "c", 1, "1-2", "a", 2, "", "r", 4, 7, 1, 0, "d", b"x",
        "", 1, "d16e57", 60_000, 2, 2, "$", 0, "", "p", 1, "", 2, 9, "e", b"y", 1, 0, "", b"",
    ]  # fmt: skip


def test_outcomes_are_read_in_order_with_the_epoch_and_time_they_were_made_in() -> None:
    record = b"1 4 2 1000 " + codec.pack_record(Stamp("bob"), "", 0, codec.pack_value("line\nbreak"))[0]
    put, gone = Packed("a/1", 0, "d", b"x"), Packed("a/2", 0, "", b"")
    requests = [
        request([], [put, gone]),
        request([Absent("a/1"), Unchanged("a", 3), At("a/9", "1-1")], [put]),
        request([], [put], once="k"),
        request([], [put], once="k"),
        request([], [put, gone]),
    ]
    blob = (
        b"R 3 5000 old older\n+7 2 0\n-0:1-4:%d 1:3-7:0 2::0\n" % len(record)
        + record + b"\n!1 900 +3 1\n?\n+0 =1-4/2 ="
    )  # fmt: skip
    reply = parse_reply(blob, requests)
    assert (reply.time_ms, reply.due_regions) == (5000, ("old", "older"))
    applied, refused, repeated, mismatch, nothing = reply.outcomes
    assert applied == Committed("3-7", 7, 5000, (Written("a/1", "3-7", 2, True), Written("a/2", "3-7", 0, True)))
    assert repeated == Committed("1-3", 3, 900, (Written("a/1", "1-3", 1, True),), repeated=True)
    assert isinstance(mismatch, OnceMismatch)
    assert nothing == Committed("", 0, 5000, (Written("a/1", "1-4", 2, False), Written("a/2", "", 0, False)))
    assert isinstance(refused, Conflict)
    assert [(f.guard, f.commit) for f in refused.failures] == [
        (Absent("a/1"), "1-4"), (Unchanged("a", 3), "3-7"), (At("a/9", "1-1"), "")
    ]  # fmt: skip
    assert [f.record.value if f.record else None for f in refused.failures] == ["line\nbreak", None, None]
    assert "written by bob" in str(refused)


def test_a_present_record_that_does_not_parse_is_corrupt_for_its_caller_alone() -> None:
    requests = [request([Absent("a/1")], []), request([], [Packed("a/2", 0, "d", b"x")])]
    broken, fine = parse_reply(b"R 1 5\n-0:1-1:7\nrubbish\n+2 1", requests).outcomes
    assert isinstance(broken, Corrupt)
    assert isinstance(fine, Committed)


@pytest.mark.parametrize(
    "blob", [b"", b"R", b"R 1 5\n", b"R x 5\n+1 1", b"R 1 5\n+1", b"R 1 5\n%1 1", b"R 1 5\n-9:1-1:0\n"]
)
def test_an_answer_that_does_not_parse_raises(blob: bytes) -> None:
    with pytest.raises((Corrupt, ValueError, IndexError)):
        parse_reply(blob, [request([Absent("a/1")], [Packed("a/1", 0, "d", b"x")])])


def test_what_cannot_be_sent_is_found() -> None:
    assert request([At("a", "1-1")], [Packed("a", 1, "d", b"\xff")], "ä").unsendable() == ""
    assert "surrogate" in request([Absent("\ud800")], []).unsendable()
    assert "None" in request([At("a", None)], []).unsendable()  # type: ignore[arg-type]
    assert "surrogate" in request([], [], "\udfff").unsendable()


def test_the_size_of_a_request_counts_the_bytes_of_its_writes() -> None:
    asked = request([Absent("a/1")], [Packed("a/1", 0, "d", b"x" * 1000)] * 3)
    assert asked.operations == 4
    assert 3000 <= asked.size <= 3300
