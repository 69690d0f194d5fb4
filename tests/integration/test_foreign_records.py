"""What others wrote under a board's keys: the commands say which record it is, and obey nothing in it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, TypeAlias

import msgpack  # type: ignore[import-untyped]
import pytest
import redis

from blackboard.cli import main
from blackboard.codec import digest_of
from blackboard.keys import BoardKeys

Plant: TypeAlias = Callable[[redis.Redis, BoardKeys], object]


def record(*, prefix: bytes = b"1 1 1 1700000000000 ", **fields: Any) -> bytes:
    head = {
        "author": "me", "activation": "", "case": "", "causes": [], "depth": 0, "trust": 3, "status": "", "expires": 0,
        "digest": "", "value": msgpack.packb({"a": 1}),
    }  # fmt: skip
    head |= fields
    if isinstance(head["expires"], int):
        head["digest"] = digest_of(head["value"], head["status"], head["expires"])
    packed: bytes = msgpack.packb([*head.values()])
    return prefix + packed


def holding(value: object) -> bytes:
    return record(value=msgpack.packb(value))


RECORDS = {
    "no record": b"garbage",
    "an extension": holding(msgpack.ExtType(5, b"x")),
    "a time of msgpack's own": holding(msgpack.Timestamp(1)),
    "NaN": holding({"a": [1.5, float("nan")]}),
    "an infinity": holding(float("-inf")),
    "a NaN of 32 bits": record(value=b"\xca" + struct.pack(">f", float("nan"))),
    "field names of bytes": holding({b"a": 1}),
    "five thousand levels": record(value=b"\x91" * 5000 + b"\xc0"),
    "eight million lists": record(value=b"\xdd" + (8 << 20).to_bytes(4, "big") + b"\x90" * (8 << 20)),
    "32 MiB": holding("x" * (32 << 20)),
    "an author that is no text": record(author=7),
    "causes that are no list": record(causes=7),
    "causes that are no texts": record(causes=[1, [2]]),
    "an end that is no time": record(expires="soon"),
    "an end after all calendars": record(expires=1 << 62),
    "a time before all clocks": record(prefix=b"1 1 1 -99999999999999999999 "),
    "a time after all calendars": record(prefix=b"1 1 1 99999999999999999999 "),
}


class Spoilt:
    """A board with one record, under whose keys something is put that no commit wrote."""

    def __init__(self, url: str, board: str, capsys: pytest.CaptureFixture[str]) -> None:
        self._target = ["--url", url, "--board", board]
        self._url = url
        self._keys = BoardKeys(board)
        self._capsys = capsys
        assert main(["post", "item/1", "1", *self._target]) == 0

    def by(self, act: Plant) -> None:
        with redis.Redis.from_url(self._url) as client:
            act(client, self._keys)

    def __call__(self, command: str) -> tuple[int, str, str]:
        """The exit code of a command and what it wrote on stdout and stderr, in which nothing may act."""
        self._capsys.readouterr()
        code = main([*command.split(), *self._target])
        shown = self._capsys.readouterr()
        assert not any(ord(character) < 32 and character != "\n" for character in shown.out + shown.err)
        return code, shown.out, shown.err


@pytest.fixture
def spoilt(redis_url: str, board_name: str, capsys: pytest.CaptureFixture[str]) -> Spoilt:
    return Spoilt(redis_url, board_name, capsys)


@pytest.mark.parametrize("name", RECORDS)
@pytest.mark.parametrize("command", ["get item/1", "ls item/*", "why item/1"])
def test_a_record_that_no_commit_wrote_is_named_and_nothing_breaks(name: str, command: str, spoilt: Spoilt) -> None:
    """Exit code 4 and a line that names the record; the list may show it where the odd part is not asked for."""
    spoilt.by(lambda client, keys: client.hset(keys.records("item"), "item/1", RECORDS[name]))
    code, _, error = spoilt(command)
    assert code in ({0, 4} if command == "ls item/*" else {4}), error
    assert code == 0 or "item/1" in error


OTHER_KEYS: dict[str, Plant] = {
    "a key of bytes": lambda client, keys: client.hset(keys.records("item"), b"item/\xff", record()),
    "a region of bytes": lambda client, keys: client.hset(keys.regions, b"\xff", b"1"),
    "an epoch beyond numbers": lambda client, keys: client.hset(keys.meta, "epoch", "9" * 40),
    "an epoch of letters": lambda client, keys: client.hset(keys.meta, "epoch", "x\x1b[31m"),
    "a format of letters": lambda client, keys: client.hset(keys.meta, "format", "\x1b[31m99"),
    "a log of another type": lambda client, keys: (client.delete(keys.log), client.set(keys.log, "x")),
}


@pytest.mark.parametrize("name", OTHER_KEYS)
@pytest.mark.parametrize("command", ["ls", "post item/1 2"])
def test_a_board_whose_keys_hold_something_else_is_an_error_of_the_server(
    name: str, command: str, spoilt: Spoilt
) -> None:
    spoilt.by(OTHER_KEYS[name])
    code, _, error = spoilt(command)
    assert code in {0, 4}, error


AGENDAS = {
    "no JSON": b"\xff",
    "a list": b"[]",
    "no time": b'{"member": "m", "pending_count": 0, "pending": [], "running": []}',
    "a line without a level": b'{"member": "m", "at_ms": 1, "pending_count": 1, "pending": [{"agent": "a",'
    b' "eligible_ms": 1}], "running": []}',
}


@pytest.mark.parametrize("name", AGENDAS)
def test_an_agenda_that_no_leader_published_is_damage_and_no_end_of_the_command(name: str, spoilt: Spoilt) -> None:
    """Exit code 4, where a time or a level that was missing once ended the command with a traceback."""
    spoilt.by(lambda client, keys: client.set(keys.agenda, AGENDAS[name]))
    code, _, error = spoilt("agenda")
    assert code == 4
    assert "the agenda of board" in error


def test_why_not_names_a_registry_entry_that_the_runtime_did_not_write(spoilt: Spoilt) -> None:
    entry = holding({"name": "packer"})
    spoilt.by(lambda client, keys: client.hset(keys.records("control"), "control/agents/packer", entry))
    spoilt.by(lambda client, keys: client.hset(keys.regions, "control", 1))
    code, _, error = spoilt("why-not packer")
    assert code == 4
    assert "control/agents/packer" in error
