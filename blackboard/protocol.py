"""What RESP3 says otherwise than RESP2, put as RESP2 does: who reads an answer need not know which one was spoken."""

from __future__ import annotations

from typing import Any, Final

_PAIRED: Final = frozenset({"XREAD", "XREADGROUP"})


def as_in_resp2(command: object, answer: Any) -> Any:
    """``answer`` to ``command`` in the types of RESP2: bytes, int, None and lists of these.

    A map becomes a flat list of names and values, but for the commands that RESP2 answers with pairs; a boolean
    becomes 1 or 0, a double its shortest text.  What RESP3 nests deeper stays so, as the pairs of ``ZRANGE WITHSCORES``.
    """
    kind = type(answer)
    if kind is bytes or kind is int or answer is None:
        return answer
    if kind is dict and command in _PAIRED:
        return [[name, as_in_resp2("", value)] for name, value in answer.items()]
    if kind is dict:
        return [as_in_resp2("", part) for pair in answer.items() for part in pair]
    if kind is list:
        return [as_in_resp2("", item) for item in answer]
    if kind is bool:
        return int(answer)
    if kind is float:
        return repr(answer).removesuffix(".0").encode()
    return answer
