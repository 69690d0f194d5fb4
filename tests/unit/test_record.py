"""A record is one version of one key, whatever it is asked for first."""

from __future__ import annotations

import pytest

from blackboard import codec
from blackboard.errors import Corrupt
from blackboard.record import Record, Stamp, parse_stored, revision_of


def stored(value: object, head: bytes = b"2 41 7 1700000000000 ") -> bytes:
    return head + codec.pack_record(Stamp("ada", case="a/1"), "final", 99, codec.pack_value(value))[0]


def test_what_a_hash_field_holds_becomes_a_record() -> None:
    record = parse_stored("a/1", stored({"x": [1]}))
    assert (record.commit, record.revision, record.version, record.time_ms) == ("2-41", 41, 7, 1_700_000_000_000)
    assert (record.author, record.case, record.status, record.expires_ms) == ("ada", "a/1", "final", 99)
    assert (record.value, record.reference) == ({"x": [1]}, "a/1@2-41")
    assert codec.verify(record.head)


@pytest.mark.parametrize("head", [b"", b"1", b"1 2 3 4", b"x 1 1 1 ", b"1 x 1 1 ", b"1 1 1 1.5 ", b"\xff 1 1 1 "])
def test_other_bytes_are_corrupt(head: bytes) -> None:
    with pytest.raises(Corrupt, match="a/1"):
        parse_stored("a/1", head)


def test_bytes_whose_value_does_not_decode_are_corrupt_when_it_is_asked_for() -> None:
    record = parse_stored("a/1", b"1 1 1 1 \xc1\xc1")
    with pytest.raises(Corrupt):
        assert record.value
    with pytest.raises(Corrupt):
        assert record.author


def test_two_are_equal_when_key_and_commit_are() -> None:
    one, other = parse_stored("a/1", stored(1)), parse_stored("a/1", stored(2))
    assert one == other
    assert len({one, other, parse_stored("a/2", stored(1))}) == 2
    assert one != "a/1"


def test_a_fresh_one_shares_nothing_that_can_change() -> None:
    record = parse_stored("a/1", stored({"x": [1]}))
    record.value["x"].append(2)
    assert record.fresh().value == {"x": [1]}


def test_one_that_holds_a_model_is_the_same_version() -> None:
    record = parse_stored("a/1", stored(1))
    held: Record[str] = record.holding("a model")
    assert (held.value, held == record) == ("a model", True)
    assert record.value == 1


def test_the_revision_stands_in_a_commits_name() -> None:
    assert [revision_of(name) for name in ("", "1-1", "12-345")] == [0, 1, 345]
