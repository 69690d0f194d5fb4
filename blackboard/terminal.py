"""Text from records made safe to show.

A terminal obeys what it is sent: an escape sequence in a record can write the clipboard, a bidi
override can turn a sentence round.  Everything that comes from data passes through here before a
person sees it; nothing that is invisible or that acts stays as it is.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

# By Unicode's categories: control, surrogate, line and paragraph separators, format (but the Arabic, Syriac and
# Kaithi signs that are drawn, and the two selectors between text and picture); and fillers that are drawn as nothing.
_ACTING: Final = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
_ACTS: Final = re.compile(f"[{_ACTING}]")
_PIECE: Final = 4_096
_SHORT: Final = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def sanitize(text: str, *, keep: str = "") -> str:
    """``text`` with every control, bidi, invisible and surrogate character as a visible escape.

    The escapes are Python's: ``\\x1b``, ``\\u202e``, ``\\U000e0041``.  Characters in ``keep`` stay, for
    who lays out lines: ``"\\n"`` or ``"\\n\\t"`` and nothing else makes sense there.
    """
    return _ACTS.sub(lambda match: match[0] if match[0] in keep else _escape(match[0]), text)


def _escape(character: str) -> str:
    code = ord(character)
    if character in _SHORT:
        return _SHORT[character]
    if code <= 0xFF:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def format_json(document: object, *, indent: int | None = None) -> str:
    """``document`` as JSON that is safe to show: the same characters escaped, in JSON's own way.

    Bytes, which JSON cannot say, become ``{"base64": "…"}``.  Raises ``ValueError`` for NaN and infinities.
    """
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, indent=indent, default=_encode_foreign)
    return _ACTS.sub(_escape_json, text)


def json_pieces(document: object, *, indent: int | None = None) -> Iterator[str]:
    """What :func:`format_json` gives, piece by piece: who shows the beginning of a large value waits for no more."""
    encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, indent=indent, default=_encode_foreign)
    for piece in encoder.iterencode(document):
        for at in range(0, len(piece), _PIECE):
            yield _ACTS.sub(_escape_json, piece[at : at + _PIECE])


def _escape_json(match: re.Match[str]) -> str:
    character = match[0]
    if character == "\n":  # json escaped those inside strings; what is left is its layout
        return character
    return "\\u007f" if character == "\x7f" else json.dumps(character)[1:-1]


def _encode_foreign(value: object) -> object:
    if isinstance(value, bytes):
        return {"base64": b64encode(value).decode()}
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")
