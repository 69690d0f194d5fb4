"""The text being parsed, and errors that point into the whole of it."""

from __future__ import annotations

from typing import Final

from blackboard.errors import PatternError

MAX_CHARACTERS: Final = 2_000
MAX_DEPTH: Final = 32
MAX_NODES: Final = 500


class Source:
    """A predicate's text, which begins ``offset`` code points into ``whole``."""

    __slots__ = ("offset", "text", "whole")

    def __init__(self, text: str, *, offset: int = 0, whole: str | None = None) -> None:
        self.text = text
        self.offset = offset
        self.whole = text if whole is None else whole
        if len(text) > MAX_CHARACTERS:
            raise self.error(f"a predicate has at most {MAX_CHARACTERS:,} characters, this one has {len(text):,}", 0)
        for at, char in enumerate(text):
            if "\ud800" <= char <= "\udfff":
                raise self.error("half of a surrogate pair is no character", at)

    def error(self, reason: str, at: int) -> PatternError:
        """The error at the character with index ``at`` of this text."""
        return PatternError(reason, text=self.whole, column=self.offset + at + 1)
