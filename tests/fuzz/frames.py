"""What comes over a connection: any bytes are answers, pushes, or the end of the connection."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

from blackboard.link import ErrorAnswer, LinkLost, SocketLink
from blackboard.protocol import as_in_resp2
from tests.fuzz.samples import texts_of_tests
from tests.fuzz.target import Disagreement, Target

if TYPE_CHECKING:
    from collections.abc import Sequence
    from random import Random

_CALLS = 5
_HUGE = re.compile(rb"[*%~>]\+?\d{6}")
"""hiredis makes room for as many elements as are announced, up to what the machine has; no server announces these"""
WORDS = [
    b"$-1\r\n", b"$0\r\n\r\n", b"$1\r\na\r\n", b"+OK\r\n", b"-ERR no\r\n", b"-OOM x\r\n", b":1\r\n", b":-9223372036854775808\r\n", b"*0\r\n",
    b"*-1\r\n", b"*2\r\n", b"*1000000000\r\n", b"%1\r\n", b"%0\r\n", b"~2\r\n", b">1\r\n", b">2\r\n+message\r\n", b"#t\r\n", b"#f\r\n", b"_\r\n",
    b",1.5\r\n", b",inf\r\n", b",nan\r\n", b"(123456789012345678901234567890\r\n", b"=7\r\ntxt:abc\r\n", b"|1\r\n+a\r\n+b\r\n", b"!5\r\nERR x\r\n",
    b"\r\n", b"\r", b"*1\r\n*1\r\n*1\r\n", b"$2147483648\r\n", b"$99999999999999999999\r\n", b"XREAD",
]  # fmt: skip


class Wire(asyncio.Transport):
    """Takes what is sent, and knows whether the link gave it up."""

    aborted = False

    def write(self, data: Any) -> None:
        return

    def abort(self) -> None:
        self.aborted = True


def take(data: bytes) -> str:
    """The first byte says where the rest is split, and whether RESP3 is spoken."""
    split, frames = (data[:1] or b"\x00")[0], data[1:]
    if _HUGE.search(frames):
        return "a length that is hiredis' to bound"
    link, wire, answers = SocketLink(), Wire(), list[Any]()
    link.connection_made(wire)
    link._speaks_resp3 = split % 2 == 1
    for command in ("GET", "HGETALL", "XREAD", "EVALSHA", "INFO")[:_CALLS]:
        link.send([command, "a"], answers.append)
    for part in (frames[:split], frames[split:]):
        if part and not wire.aborted:
            link.data_received(part)
    told = [_kind(answer, in_resp2=link._speaks_resp3) for answer in answers]
    link.connection_lost(None)
    if len(answers) != _CALLS or any(type(answer) is not LinkLost for answer in answers[len(told) :]):
        raise Disagreement(f"{answers!r} for {_CALLS} calls")
    return f"{wire.aborted} {told}"


def _kind(answer: Any, *, in_resp2: bool) -> str:
    if in_resp2 and repr(as_in_resp2("", answer)) != repr(answer):
        raise Disagreement(f"{answer!r} is none of RESP2")
    return answer.code[:4] if isinstance(answer, ErrorAnswer) else type(answer).__name__


def samples() -> Sequence[bytes]:
    answers = [
        b"%1\r\n$5\r\nproto\r\n:3\r\n",
        b"*1\r\n*2\r\n$3\r\nlog\r\n*0\r\n",
        b"$5\r\nhello\r\n",
        b">1\r\n+x\r\n:5\r\n",
    ]
    found = [bytes([at]) + b"".join(answers[at % 3 :]) for at in range(9)]
    return [*found, *(b"\x05" + text for text in texts_of_tests("protocol", "link"))]


def fresh(chance: Random) -> bytes:
    return bytes([chance.randrange(256)]) + b"".join(chance.choices(WORDS, k=chance.randint(1, 12)))


TARGET = Target("frames", take, samples, WORDS, fresh)
