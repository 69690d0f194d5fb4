"""Words looked for in a record's bytes, which is ten times as fast as in its JSON and rules out most records."""

from __future__ import annotations

import re
from typing import Final

_NUMBER: Final = frozenset("0123456789+-.e")
_MARKS: Final = frozenset(',:{}[]"\\')
"""what JSON puts between texts, and before what it escapes"""
_NAMES: Final = ("true", "false", "null", "base64")
_UNFOLDED: Final = re.compile(
    rb"\xc3\x9f|\xc4\xb0|\xc5[\x89\xbf]|\xc7\xb0|\xe1\xba[\x96-\x9a\x9e]|\xe2\x84\xaa|\xef\xac[\x80-\x86]"
)
"""the characters beyond ASCII, as UTF-8, that are ASCII where case is set apart: such as the sharp s, which is ss"""


def needle_of(words: str) -> bytes:
    """The bytes that a record has if a text in it has ``words``, which are folded; ``b""`` where that cannot be said.

    It can where nothing but a text can have them: no number, no name of JSON's own and nothing that reaches from
    one text into the next.
    """
    in_texts = words.isascii() and _MARKS.isdisjoint(words) and not set(words) <= _NUMBER
    return words.encode() if in_texts and not any(words in name for name in _NAMES) else b""


def may_hold(packed: bytes, needle: bytes) -> bool:
    """Whether a text in the packed record may have the words of ``needle``, case apart; else none has."""
    return needle in packed.lower() or _UNFOLDED.search(packed) is not None
