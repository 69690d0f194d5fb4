"""Answers of RESP3 are given as RESP2 gives them, and what nobody asked for is given to nobody."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from blackboard.link import LinkLost, SocketLink
from blackboard.protocol import as_in_resp2


@pytest.mark.parametrize(
    ("command", "resp3", "resp2"),
    [
        ("GET", b"a", b"a"),
        ("GET", None, None),
        ("HLEN", 7, 7),
        ("PING", b"PONG", b"PONG"),
        ("HGETALL", {b"a": b"1", b"b": b"2"}, [b"a", b"1", b"b", b"2"]),
        ("HGETALL", {}, []),
        ("XREAD", {b"log": [[b"1-1", [b"", b"0 "]]]}, [[b"log", [[b"1-1", [b"", b"0 "]]]]]),
        ("XREAD", None, None),
        ("XREAD", {True: []}, [[1, []]]),
        ("XINFO", {b"length": 2, b"groups": [{b"name": b"g"}]}, [b"length", 2, b"groups", [[b"name", b"g"]]]),
        ("EVAL", True, 1),
        ("EVAL", [False, None], [0, None]),
        ("ZSCORE", 1.5, b"1.5"),
        ("ZSCORE", 1795177954702.0, b"1795177954702"),
        ("ZSCORE", float("inf"), b"inf"),
    ],
)
def test_an_answer_of_resp3_has_the_types_of_resp2(command: str, resp3: Any, resp2: Any) -> None:
    answer = as_in_resp2(command, resp3)
    assert answer == resp2
    assert repr(answer) == repr(resp2), "1 is not True"


class Wire(asyncio.Transport):
    """The socket of a link, to say by hand what comes over it."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""

    def write(self, data: Any) -> None:
        self.sent += data

    def abort(self) -> None:
        return


async def resp3_link() -> SocketLink:
    link, wire = SocketLink(), Wire()
    link.connection_made(wire)
    speaking = asyncio.create_task(link.speak_resp3(("pass word",)))
    await asyncio.sleep(0)
    assert wire.sent == b"*5\r\n$5\r\nHELLO\r\n$1\r\n3\r\n$4\r\nAUTH\r\n$7\r\ndefault\r\n$9\r\npass word\r\n"
    link.data_received(b"%1\r\n$5\r\nproto\r\n:3\r\n")
    await speaking
    return link


async def test_what_a_server_pushes_is_no_answer_to_a_command() -> None:
    """It would be the next command's answer, and each answer after it another's."""
    link, answers = await resp3_link(), list[Any]()
    link.send(["GET", "a"], answers.append)
    link.send(["GET", "b"], answers.append)
    link.data_received(b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\na\r\n$1\r\n1\r\n>1\r\n+moving\r\n")
    link.data_received(b"$1\r\n2\r\n")
    assert answers == [b"1", b"2"]


async def test_an_answer_that_nests_deeper_than_any_server_nests_ends_the_connection() -> None:
    """It overflowed the stack in the event loop, and whoever waited was told only after seconds."""
    link, answers = await resp3_link(), list[Any]()
    link.send(["GET", "a"], answers.append)
    link.data_received(b"*1\r\n" * 40 + b":1\r\n")
    assert [type(answer) for answer in answers] == [LinkLost]
    link.connection_lost(None)
    assert link.closed


async def test_an_answer_that_is_false_is_an_answer() -> None:
    """The parser's mark for "not all has come" was False, too, so that what followed waited for more bytes."""
    link, answers = await resp3_link(), list[Any]()
    link.send(["EVAL", "…", 0], answers.append)
    link.send(["HGETALL", "a"], answers.append)
    link.data_received(b"#f\r\n%1\r\n+a\r\n")
    assert answers == [0]
    link.data_received(b"+b\r\n")
    assert answers == [0, [b"a", b"b"]]
