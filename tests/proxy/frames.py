"""Where one command or one answer ends and the next begins in the bytes of a connection (RESP2 and RESP3)."""

from __future__ import annotations

_PARTS_PER_COUNT = {ord("*"): 1, ord("~"): 1, ord(">"): 1, ord("%"): 2}
_BULK = frozenset(b"$=!")


class Frames:
    """Bytes as they come in, whole commands or answers out."""

    def __init__(self) -> None:
        self._rest = bytearray()

    def feed(self, data: bytes) -> list[bytes]:
        """The frames that ``data`` completes, in order."""
        self._rest += data
        whole, at = [], 0
        while (end := frame_end(self._rest, at)) >= 0:
            whole.append(bytes(self._rest[at:end]))
            at = end
        del self._rest[:at]
        return whole


def frame_end(data: bytes | bytearray, at: int) -> int:
    """Where the frame that begins at ``at`` ends, -1 where it is not whole yet."""
    parts = 1
    while parts:
        line = data.find(b"\r\n", at)
        if line < 0:
            return -1
        mark = data[at]
        parts -= 1
        if mark in _PARTS_PER_COUNT:
            parts += max(int(data[at + 1 : line]), 0) * _PARTS_PER_COUNT[mark]
        at_next = line + 2
        if mark in _BULK:
            length = int(data[at + 1 : line])
            at_next += length + 2 if length >= 0 else 0
        at = at_next
    return at if at <= len(data) else -1


def words(request: bytes) -> list[bytes]:
    """The command in ``request``, a whole frame: its name and arguments."""
    found, at = [], request.find(b"\r\n") + 2
    while at < len(request):
        line = request.find(b"\r\n", at)
        length = int(request[at + 1 : line])
        found.append(request[line + 2 : line + 2 + length])
        at = line + 2 + length + 2
    return found
