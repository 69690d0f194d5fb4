"""Numbers and strings as CEL writes them."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from blackboard.predicate.source import Source

_SIMPLE: Final = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "?": "?", '"': '"', "'": "'", "`": "`",
}  # fmt: skip
_CODED: Final = re.compile(r"[xX]([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8})|([0-3][0-7]{2})")


def read_number(source: Source, digits: str, at: int) -> int | float:
    """The number that ``digits``, found at ``at``, stand for: an integer up to 2**64 - 1, or a finite double."""
    if digits[:2] in ("0x", "0X"):
        number: int | float = int(digits, 16)
    elif digits.isdecimal():
        number = int(digits)
    else:
        number = float(digits)
    if isinstance(number, int) and number >= 1 << 64:
        raise source.error("an integer has at most 64 bits", at)
    if not math.isfinite(number):
        raise source.error("this number is too large for a double", at)
    return number


def read_string(source: Source, start: int) -> tuple[str, int]:
    """The string that begins at ``start``, and the index after its closing quote.

    Both quotes, three of either for text with line ends, ``r`` in front to read backslashes as they are.
    """
    text = source.text
    raw = text[start] in "rR"
    at = start + raw
    quote = text[at] * 3 if text.startswith(text[at] * 3, at) else text[at]
    at += len(quote)
    parts: list[str] = []
    while at < len(text):
        if text.startswith(quote, at):
            return "".join(parts), at + len(quote)
        char = text[at]
        if char == "\\" and not raw:
            char, at = _escape(source, at)
        elif char in "\r\n" and len(quote) == 1:
            raise source.error(f"a string ends on its line: close it, or open it with {quote * 3}", start)
        else:
            at += 1
        parts.append(char)
    raise source.error(f"this string has no closing {quote}", start)


def _escape(source: Source, at: int) -> tuple[str, int]:
    letter = source.text[at + 1 : at + 2]
    if letter in _SIMPLE:
        return _SIMPLE[letter], at + 2
    coded = _CODED.match(source.text, at + 1)
    if coded is None:
        raise source.error("no such escape: write \\\\ for a backslash, or put r before the quote", at)
    octal = coded.group(4)
    number = int(octal, 8) if octal else int(next(filter(None, coded.groups())), 16)
    if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        raise source.error("this escape is no Unicode character", at)
    return chr(number), coded.end()
