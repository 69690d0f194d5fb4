"""What RESP3 says otherwise than RESP2, put as RESP2 does: who reads an answer need not know which one was spoken."""

from __future__ import annotations

from typing import Any, Final

MAX_LEVELS: Final = 32
_PAIRED: Final = frozenset({"XREAD", "XREADGROUP"})


def as_in_resp2(command: object, answer: Any, levels: int = MAX_LEVELS) -> Any:
    """``answer`` to ``command`` in the types of RESP2: bytes, int, None and lists of these.

    A map becomes a flat list of names and values, but for the commands that RESP2 answers with pairs; a boolean
    becomes 1 or 0, a double its shortest text.  What RESP3 nests deeper stays so, as the pairs of ``ZRANGE WITHSCORES``.
    Raises ``ValueError`` for more than ``levels`` of them in each other, which no server sends.
    """
    kind = type(answer)
    if kind is bytes or kind is int or answer is None:
        return answer
    if kind is dict:
        pairs = [list(pair) for pair in answer.items()]
        answer = pairs if command in _PAIRED else [part for pair in pairs for part in pair]
    if isinstance(answer, list):  # or of a parser's own kind of list
        if levels == 0:
            raise ValueError(f"more than {MAX_LEVELS} levels")
        return [as_in_resp2("", item, levels - 1) for item in answer]
    if kind is bool:
        return int(answer)
    if kind is float:
        return repr(answer).removesuffix(".0").encode()
    return answer
