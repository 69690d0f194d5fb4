"""Bytes of records: what comes back is what was packed, and nothing else decodes."""

from __future__ import annotations

import contextlib
import math
import tracemalloc
from typing import Any

import msgpack  # type: ignore[import-untyped]
import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackboard import codec
from blackboard.errors import Corrupt, InvalidValue
from blackboard.record import Stamp

PLAIN = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(1 << 63), (1 << 64) - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner),
    max_leaves=20,
)


@given(PLAIN)
def test_any_plain_value_comes_back(value: Any) -> None:
    assert codec.unpack_value(codec.pack_value(value)) == value


@given(st.binary(max_size=60))
def test_any_bytes_decode_or_are_corrupt(data: bytes) -> None:
    for decode in (codec.unpack_value, codec.unpack_head):
        with contextlib.suppress(Corrupt):
            decode(data)


@given(st.text(), st.text())
def test_any_text_in_a_stamp_is_packed_or_refused(author: str, status: str) -> None:
    try:
        data, digest = codec.pack_record(Stamp(author), status, 0, codec.pack_value(1))
    except InvalidValue:
        return
    head = codec.unpack_head(data)
    assert (head.author, head.status, head.digest) == (author, status, digest)


def test_a_head_holds_the_stamp_and_a_digest_that_fits() -> None:
    stamp = Stamp("a", "act", "case/1", ("k@1-2", "l@1-3"), 4, 2)
    data, digest = codec.pack_record(stamp, "proposed", 77, codec.pack_value({"x": 1}))
    head = codec.unpack_head(data)
    assert Stamp(head.author, head.activation, head.case, head.causes, head.depth, head.trust) == stamp
    assert (head.status, head.expires_ms, head.digest) == ("proposed", 77, digest)
    assert codec.unpack_value(head.value) == {"x": 1}
    assert codec.verify(head)
    assert not codec.verify(head._replace(value=codec.pack_value({"x": 2})))
    assert not codec.verify(head._replace(status="final"))


def test_one_flipped_bit_in_a_value_is_seen() -> None:
    data, _ = codec.pack_record(Stamp(), "", 0, codec.pack_value("x" * 100))
    at = data.index(b"x" * 100) + 50
    head = codec.unpack_head(data[:at] + b"y" + data[at + 1 :])
    assert not codec.verify(head)


def test_the_digest_is_of_value_status_and_expiry_and_of_nothing_else() -> None:
    value = codec.pack_value(1)
    digests = {
        codec.pack_record(Stamp("a"), "", 0, value)[1], codec.pack_record(Stamp("b", depth=3), "", 0, value)[1],
    }  # fmt: skip
    assert len(digests) == 1
    others = {codec.digest_of(value, status, expires) for status in ("", "s") for expires in (0, 1, 2)}
    assert len(others) == 6
    assert others >= digests


@pytest.mark.parametrize(
    "bad", [math.nan, math.inf, -math.inf, 1 << 64, -(1 << 63) - 1, object(), {1, 2}, {2: 1}, "\ud800"]
)
def test_what_json_cannot_say_is_refused(bad: Any) -> None:
    for value in (bad, [bad], {"x": {"y": bad}}):
        with pytest.raises(InvalidValue):
            codec.pack_value(value)


def test_an_extension_type_is_corrupt() -> None:
    with pytest.raises(Corrupt):
        codec.unpack_value(msgpack.packb(msgpack.ExtType(7, b"x")))


def test_a_field_name_that_is_no_text_is_corrupt() -> None:
    with pytest.raises(Corrupt):
        codec.unpack_value(msgpack.packb({1: 2}))


def test_a_record_of_another_shape_is_corrupt() -> None:
    for fields in ([], [1], list(range(10)), {"a": 1}, 7):
        with pytest.raises(Corrupt):
            codec.unpack_head(msgpack.packb(fields))


def test_a_structure_that_holds_itself_many_times_is_refused_in_little_memory() -> None:
    """Sixty-four lists of 100,000, each full of the next: a walk that stacks before it counts takes gigabytes."""
    value: list[Any] = [0] * 99_000
    for _ in range(60):
        value = [value] * 99_000
    tracemalloc.start()
    with pytest.raises(InvalidValue):
        codec.pack_value(value)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 100_000_000


def test_what_the_runtime_packs_itself_is_what_everybody_unpacks() -> None:
    assert codec.unpack_value(codec.pack_own({"a": [1, None]})) == {"a": [1, None]}


@pytest.mark.parametrize(
    "odd", [float("nan"), float("-inf"), {b"a": 1}, msgpack.Timestamp(1), {"a": [{"b": math.inf}]}]
)
def test_what_json_cannot_say_is_corrupt_where_it_comes_from_others(odd: Any) -> None:
    """It ended commands as an internal error, when the value was shown."""
    with pytest.raises(Corrupt):
        codec.unpack_value(msgpack.packb(odd))


def test_a_stamp_whose_parts_would_not_be_read_back_is_refused() -> None:
    """A status that is a number would make a record that nobody can read."""
    value = codec.pack_value(1)
    with pytest.raises(InvalidValue, match="status is int"):
        codec.pack_record(Stamp(), 5, 0, value)  # type: ignore[arg-type]  # what a caller without types may do
    with pytest.raises(InvalidValue, match="author is NoneType"):
        codec.pack_record(Stamp(author=None), "", 0, value)  # type: ignore[arg-type]  # the same
    data, _ = codec.pack_record(Stamp(causes=["a@1-1"]), "", 0, value)  # type: ignore[arg-type]  # read as a tuple
    assert codec.unpack_head(data).causes == ("a@1-1",)


def test_what_does_not_decode_is_said_in_few_words_that_hold_nothing_of_it() -> None:
    """The decoder's error has the whole value in its repr: a secret in a log, or too deep a one to be shown at all."""
    secret = msgpack.packb("a secret of the user")
    for packed in (secret + b"\xc0", b"\xa3\xff" + secret[1:3], b"\x91" * 500 + b"\xc0\xc0"):
        with pytest.raises(Corrupt) as raised:
            codec.unpack_value(packed)
        assert "secret" not in str(raised.value)
        assert len(str(raised.value)) < 200


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        pytest.param(b"\x91" * 200 + b"\xc0", "deeper than 128 levels", id="deep"),
        pytest.param(b"\x9f" + (b"\xdc\xff\xff" + b"\x90" * 65_535) * 15, "more than 200,000 nodes", id="empty lists"),
        pytest.param(b"\x9f" + (b"\xdc\xff\xff" + b"\x80" * 65_535) * 15, "more than 200,000 nodes", id="empty maps"),
    ],
)
def test_a_value_that_nobody_could_have_written_is_corrupt_before_it_takes_much_memory(
    packed: bytes, reason: str
) -> None:
    """Others write to the server, too: 500 levels overflowed the stack of whoever compared two of them."""
    tracemalloc.start()
    with pytest.raises(Corrupt, match=reason):
        codec.unpack_value(packed)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 60_000_000


def test_the_runtimes_own_values_may_hold_the_largest_and_deepest_of_agents() -> None:
    deepest: Any = 1
    for _ in range(codec.MAX_DEPTH):
        deepest = [deepest]
    codec.pack_value(deepest)
    largest = [0] * (codec.MAX_NODES - 1)
    codec.pack_value(largest)
    own = {"question": {"about": [deepest, largest]}, "by": "ada"}
    assert codec.unpack_value(codec.pack_own(own)) == own


class Generous(dict[str, int]):
    def items(self) -> Any:
        return {"a": 1, "b": 2}.items()


def test_a_mapping_that_gives_more_than_it_counts_is_refused() -> None:
    """Its bytes said one field and held two, so that the record could be written and never read."""
    with pytest.raises(InvalidValue, match="Generous"):
        codec.pack_value({"inner": Generous(a=1)})
