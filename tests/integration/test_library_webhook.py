"""The webhook: what another system is told, signed, again where that fails; against a server of the test's own."""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from knowledge_sources import DeclarationError
from knowledge_sources.library import human, webhook
from tests.leading import only, run, values

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blackboard.board import Board

ASK = human(
    watches={"item": "return/{rma}"}, contributes="answer/{rma}", question="Refund {rma}?", choices=["yes", "no"]
)


class Receiver:
    """A server that answers with the given statuses in turn, the last one for ever, and keeps what it was sent."""

    def __init__(self, *statuses: int) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        left = list(statuses)
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.received.append((dict(self.headers), body))
                status = left.pop(0) if len(left) > 1 else left[0]
                self.send_response(status)
                self.send_header("Location", "/elsewhere")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                """Nothing: what a test prints is what it says."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook?token=t0p"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver(200)
    yield found
    found.close()


@pytest.fixture
def failing() -> Iterator[Receiver]:
    found = Receiver(503, 302, 201)
    yield found
    found.close()


async def test_an_open_question_is_posted_once_with_a_signature_that_its_secret_gives(
    board: Board, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOOK_SECRET", "s3cret")
    await board.put("return/1", {"amount": 1})
    hook = webhook(url=receiver.url, secret="env:HOOK_SECRET")
    assert (await run(board, ASK, hook)).status == "awaiting"
    ((headers, body),) = receiver.received
    assert headers["X-Blackboard-Signature"] == "sha256=" + hmac.new(b"s3cret", body, hashlib.sha256).hexdigest()
    assert headers["Idempotency-Key"] == (await only(board, "webhook"))["id"]
    sent = json.loads(body)
    assert (sent["case"], sent["value"]["question"]) == ("return/1", "Refund 1?")
    (told,) = (await values(board, "notified/*")).values()
    assert (told["status"], told["attempts"]) == ("sent", 1)
    assert (await run(board, ASK, hook)).status == "awaiting"
    assert len(receiver.received) == 1


async def test_it_is_tried_again_after_a_failure_and_follows_nobody_elsewhere(board: Board, failing: Receiver) -> None:
    await board.put("return/1", {"amount": 1})
    await run(board, ASK, webhook(url=failing.url, backoff="1ms"))
    assert len(failing.received) == 3
    (told,) = (await values(board, "notified/*")).values()
    assert (told["status"], told["said"], told["attempts"]) == ("sent", "201 Created", 3)
    assert (await only(board, "webhook"))["log"] == ["attempt 1: 503 Service Unavailable", "attempt 2: 302 Found"]


async def test_where_nobody_listens_that_is_kept_and_the_question_stands(board: Board) -> None:
    await board.put("return/1", {"amount": 1})
    closed = Receiver(200)
    closed.close()
    end = await run(board, ASK, webhook(url=closed.url, attempts=2, backoff="1ms"))
    assert end.status == "awaiting"
    (told,) = (await values(board, "notified/*")).values()
    assert (told["status"], told["attempts"]) == ("failed", 2)
    assert "token" not in str(told)
    assert len(await values(board, "control/escalations/*")) == 1


async def test_any_record_can_be_posted(board: Board, receiver: Receiver) -> None:
    await board.put("refund/1", {"text": "é\u202e", "raw": b"\x01"})
    await run(board, webhook(url=receiver.url, watches="refund/{rma}", contributes="told/{rma}"))
    sent = json.loads(receiver.received[0][1])
    assert sent["value"] == {"text": "é\u202e", "raw": "01"}
    assert sent["key"] == "refund/1"


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"url": "ftp://x/y"}, "url: not a URL that begins with http:// or https://"),
        ({"url": "file:///etc/passwd"}, "url: not a URL"),
        ({"url": "http://"}, "url: not a URL"),
        ({"url": "http://x/\r\nA: b"}, "url: not a URL"),
        ({"url": "http://[x/"}, "url: not a URL"),
        ({"url": "env:NO_SUCH_VARIABLE"}, "url: the environment has no variable 'NO_SUCH_VARIABLE'"),
        ({"url": "http://x/", "secret": "s3cret"}, "secret: a secret does not stand in a file"),
        ({"url": "http://x/", "attempts": 0}, "attempts: "),
        ({"url": "http://x/", "timeout": "never"}, "timeout: "),
        ({}, "url: is missing"),
    ],
)
def test_what_cannot_be_posted_to_is_refused_and_no_secret_is_told(given: dict[str, Any], told: str) -> None:
    with pytest.raises(DeclarationError) as refused:
        webhook(**given)
    assert told in str(refused.value)
    assert "s3cret" not in str(refused.value)
