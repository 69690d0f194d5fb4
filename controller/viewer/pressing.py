"""Keys to press, as written in a command: ``w``, ``enter``, ``:`` or ``type payment/R-1``, with commas between."""

from __future__ import annotations

import unicodedata
from typing import Final

from blackboard.errors import UsageError
from controller.viewer.keys import KEYS
from knowledge_sources.nearest import did_you_mean

NAMED: Final = frozenset(
    {name for key in KEYS for name in key.keys if len(name) > 1}
    | {"backspace", "delete", "comma", "full_stop", "quotation_mark", "apostrophe", "ctrl+c"}
)
"""keys of more than one letter"""
RENAMED: Final = {
    "hyphen_minus": "minus", "low_line": "underscore", "solidus": "slash", "reverse_solidus": "backslash",
    "plus_sign": "plus", "commercial_at": "at",
}  # fmt: skip
"""Unicode's name → the key's"""
TYPE: Final = "type "
MOST: Final = 1_000


def keys_of(text: str) -> list[str]:
    """The keys that ``text`` names, as Textual names them; raises :class:`UsageError` for one that there is not.

    A key is a character, or a name such as ``enter``; ``type TEXT`` is one key for each character of TEXT.
    """
    keys = [key for word in text.split(",") if word for key in _keys(word)]
    if len(keys) > MOST:
        raise UsageError(f"{len(keys):,} keys are to be pressed; {MOST:,} is the most")
    return keys


def _keys(word: str) -> list[str]:
    if word.startswith(TYPE):
        return [_named(one) for one in word.removeprefix(TYPE)]
    if len(word) == 1 and word.isprintable():
        return [_named(word)]
    if word in NAMED:
        return [word]
    near = did_you_mean(word, sorted(NAMED)) or "; 'type TEXT' types a text"
    raise UsageError(f"no key {word[:40]!r}{near}")


def _named(character: str) -> str:
    """What Textual calls the key of ``character``."""
    if character.isalnum():
        return character
    name = unicodedata.name(character, character).lower().replace("-", "_").replace(" ", "_")
    return RENAMED.get(name, name)
