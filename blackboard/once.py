"""What a user's idempotency key stands for: the digest of the payload that it was used with."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from blackboard import codec
from blackboard.commit import Once, Put
from blackboard.errors import InvalidInput, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from blackboard.commit import Update, Write
    from blackboard.group import Packed

MAX_TTL_MS: Final = 1000 * 365 * 24 * 3600 * 1000
"""a thousand years; Redis takes no more than 2^63 - 1 for the end of one"""


def name_once(
    once: Once | str | None, writes: Sequence[Write], packed: Sequence[Packed], updates: Sequence[Update] = ()
) -> tuple[str, str, int]:
    """The idempotency key, the digest of what is written under it, its time to live.

    Of a record that expires, its time to live counts and not the instant that it ends at: a repetition is later.
    """
    if once is None:
        return "", "", 0
    if isinstance(once, str):
        once = Once(once)
    if not 1 <= len(once.key.encode(errors="replace")) <= 256:
        raise UsageError("an idempotency key has 1 to 256 bytes")
    payload = hashlib.blake2b(digest_size=16)
    for write, sent in zip(writes, packed, strict=True):
        digest = sent.digest
        if isinstance(write, Put) and write.ttl_ms is not None:
            digest = codec.digest_of(codec.unpack_head(sent.data).value, write.status, write.ttl_ms)
        payload.update(f"{write.key}\0{digest}\0".encode())
    for update in updates:
        payload.update(f"{update.key}\0update\0".encode())
    return once.key, payload.hexdigest(), checked_ttl_ms(once.ttl_ms, f"the idempotency key {once.key!r}")


def checked_ttl_ms(ttl_ms: int, what: str) -> int:
    """``ttl_ms`` if it is a time to live, 1 ms to a thousand years; raises :class:`InvalidInput` about ``what``."""
    if type(ttl_ms) is not int or not 1 <= ttl_ms <= MAX_TTL_MS:
        raise InvalidInput(f"a time to live is 1 to {MAX_TTL_MS:,} ms, not {ttl_ms!r}", place=what)
    return ttl_ms
