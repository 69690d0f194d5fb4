"""The agent that tells another system: it posts a record as JSON to a URL, signed, and again where that fails.

A question to a person is a record, so this is how a question reaches a chat or a ticket system.  It runs beside
everything else, and what becomes of it is a record too: nobody waits for the other side.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import http.client
import json
import os
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Annotated, Any, Final, NamedTuple
from urllib.parse import urlsplit

from pydantic import Field, PlainValidator

from blackboard.pattern import Pattern
from knowledge_sources.calling import off_the_loop
from knowledge_sources.parameters import DurationMs, KeyText, Parameters, PatternText, refuse
from knowledge_sources.template import Recipe, template

if TYPE_CHECKING:
    from knowledge_sources.context import Context
    from knowledge_sources.template import Records

OPEN_QUESTIONS: Final = 'control/escalations/{question} where status == "open"'
SIGNATURE: Final = "X-Blackboard-Signature"
"""``sha256=`` and the HMAC of the body in hexadecimal digits."""
_ENVIRONMENT: Final = "env:"
_CAP_MS: Final = 60_000


class Secret(NamedTuple):
    """What is not shown: a text of the environment, or of the file; its ``repr`` says which, not what."""

    text: str
    origin: str

    def __repr__(self) -> str:
        return f"Secret({self.origin})"


def _of_environment(name: str) -> Secret:
    found = os.environ.get(name)
    if not found:
        raise refuse(f"the environment has no variable {name!r}, or it is empty")
    return Secret(found, f"{_ENVIRONMENT}{name}")


def _url(value: object) -> Secret:
    if not isinstance(value, str):
        raise refuse(f"{type(value).__name__} is no URL")
    found = (
        _of_environment(value.removeprefix(_ENVIRONMENT)) if value.startswith(_ENVIRONMENT) else Secret(value, "url")
    )
    try:
        parts = urlsplit(found.text)
        fits = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        fits = False
    if not fits or any(character.isspace() or not character.isprintable() for character in found.text):
        raise refuse("not a URL that begins with http:// or https:// and names a host")
    return found


def _secret(value: object) -> Secret:
    if not isinstance(value, str) or not value.startswith(_ENVIRONMENT):
        raise refuse("a secret does not stand in a file: name a variable of the environment, as in env:HOOK_SECRET")
    return _of_environment(value.removeprefix(_ENVIRONMENT))


class WebhookParameters(Parameters):
    """``url`` and ``secret`` may be ``env:NAME``; between attempts it waits ``backoff``, doubled each time."""

    url: Annotated[Any, PlainValidator(_url)]
    secret: Annotated[Any, PlainValidator(_secret)] = None
    watches: PatternText = Pattern.parse(OPEN_QUESTIONS)
    contributes: KeyText = Pattern.parse("notified/{question}")
    attempts: Annotated[int, Field(ge=1, le=20)] = 5
    backoff: DurationMs = 1_000
    timeout: DurationMs = 10_000


@template(WebhookParameters)
def webhook(given: WebhookParameters) -> Recipe:
    """Post each record that it watches, by default the open questions, and keep what the other side said to that."""

    async def tell(ctx: Context, records: Records) -> dict[str, Any]:
        record = records["record"]
        content = {"key": record.key, "commit": record.commit, "case": record.case, "value": record.value}
        body = json.dumps(content, ensure_ascii=False, default=_plain, sort_keys=True).encode("utf-8", "replace")
        headers = _headers(body, given.secret, ctx.idempotency_key)
        said = ""
        for attempt in range(1, given.attempts + 1):
            said = await off_the_loop(lambda: _posted(given.url.text, body, headers, given.timeout / 1000))
            if said.startswith("2"):
                return {"status": "sent", "said": said, "attempts": attempt, "of": f"{record.key}@{record.commit}"}
            ctx.log(f"attempt {attempt}: {said}")
            if attempt < given.attempts:
                await asyncio.sleep(min(given.backoff << (attempt - 1), _CAP_MS) / 1000)
        # Asking a person about this would only be one more question that nobody is told of.
        return {"status": "failed", "said": said, "attempts": given.attempts, "of": f"{record.key}@{record.commit}"}

    # Several questions stand at a time, and one that waits before it tries again must not keep the others waiting.
    return Recipe(tell, {"record": given.watches.text}, {"contributes": given.contributes.text})


def _headers(body: bytes, secret: Secret | None, key: str) -> dict[str, str]:
    headers = {"Content-Type": "application/json; charset=utf-8", "Idempotency-Key": key, "User-Agent": "blackboard"}
    if secret is not None:
        headers[SIGNATURE] = "sha256=" + hmac.new(secret.text.encode(), body, hashlib.sha256).hexdigest()
    return headers


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Where a record is sent is what the operator wrote, not what the other side says."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _posted(url: str, body: bytes, headers: dict[str, str], timeout_s: float) -> str:
    """The status that came back, or why none did; the URL, which may hold a token, is in neither."""
    opener = urllib.request.build_opener(_NoRedirect)
    request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310 - http and https alone get here
    try:
        with opener.open(request, timeout=timeout_s) as answer:
            return f"{answer.status} {answer.reason}"[:200]
    except urllib.error.HTTPError as error:
        error.close()
        return f"{error.code} {error.reason}"[:200]
    except urllib.error.URLError as error:
        return f"{type(error.reason).__name__}: {error.reason}"[:200]
    except (OSError, http.client.HTTPException, ValueError) as error:
        return f"{type(error).__name__}: {error}"[:200]


def _plain(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
