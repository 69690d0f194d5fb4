"""The bytes of a record, decoded a second time, so that one error does not hide another."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

import msgpack  # type: ignore[import-untyped]  # the package ships no types


class Standing(NamedTuple):
    """A record as the log explains it: its commit, version and stored bytes."""

    commit: str
    version: int
    stored: bytes

    @property
    def data(self) -> bytes:
        """The client's bytes."""
        return self.stored.split(b" ", 4)[-1]

    @property
    def expires_ms(self) -> int:
        return head_of(self.data).expires_ms


class Head(NamedTuple):
    """What the bytes of a record say about it; ``sound`` where their digest is that of the value, which it is not where they do not decode."""

    expires_ms: int
    digest: str
    sound: bool


def head_of(data: bytes) -> Head:
    """Read the bytes that a client packed; decoded here a second time, so that one error does not hide another."""
    try:
        fields = msgpack.unpackb(data, raw=False)
        status, expires_ms, digest, value = fields[6:10]
        tail = f"{status}\0{expires_ms}".encode() if status or expires_ms else b""
        found = hashlib.blake2b(value + tail, digest_size=16).hexdigest()
    except (ValueError, TypeError, msgpack.exceptions.UnpackException):
        return Head(0, "", False)
    return Head(expires_ms, digest, digest == found)


def parse_stored(stored: bytes) -> Standing:
    """A record's hash field, ``epoch revision version time`` and the client's bytes; version 0 where it is none."""
    try:
        epoch, revision, version, _, _ = stored.split(b" ", 4)
        return Standing(f"{int(epoch)}-{int(revision)}", int(version), stored)
    except ValueError:
        return Standing("0-0", 0, stored)
