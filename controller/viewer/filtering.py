"""What ``/`` takes: words to look for, a pattern of records, or a condition of the predicate language."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from blackboard.errors import BlackboardError, InvalidInput, PatternError
from blackboard.pattern import Pattern
from blackboard.predicate import Predicate
from blackboard.predicate.literals import read_string
from blackboard.predicate.source import MAX_CHARACTERS, Source
from controller.viewer.excerpt import excerpt
from controller.viewer.needle import may_hold, needle_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blackboard.record import Record

MOST_SEARCHED: Final = 1 << 14
"""characters of a value's JSON that words are looked for in"""
_OPERATORS: Final = frozenset("=!<>&|()[]{}*\"'")
_CONDITIONED: Final = re.compile(r"\S+\s+where\s+\S")
_QUOTES: Final = "\"'"
_KEY_MARKS: Final = frozenset("/*{")
_NO_KEY: Final = frozenset("=!<>&|()\"'")


class Filter(NamedTuple):
    """What is to be shown; one of ``words``, ``pattern`` and ``condition`` says it."""

    text: str
    """as it was written"""
    words: str = ""
    """what a row must have somewhere, case apart"""
    pattern: Pattern | None = None
    condition: Predicate | None = None
    needle: bytes = b""
    """of words: what the bytes of a record tell of them, if anything"""

    @classmethod
    def parse(cls, text: str) -> Filter:
        """The filter that ``text`` writes; raises :class:`InvalidInput`, which points into it.

        Words without operators, a key among them, are looked for as they stand, and so is one text in quotes.  What
        parses as a pattern with a wildcard, a capture or a ``where`` is one; anything else is a condition.
        """
        written = text.strip()
        if not written:
            raise InvalidInput("a filter cannot be empty: write a word, a pattern or a condition")
        if len(written) > MAX_CHARACTERS:
            raise InvalidInput(f"a filter has at most {MAX_CHARACTERS:,} characters, this one has {len(written):,}")
        if _OPERATORS.isdisjoint(written) and _CONDITIONED.match(written) is None:
            return cls._words(written, written)
        quoted = _quoted(written)
        return cls._words(written, quoted) if quoted else cls._expression(written)

    @classmethod
    def _words(cls, text: str, words: str) -> Filter:
        folded = words.casefold()
        return cls(text, words=folded, needle=needle_of(folded))

    @classmethod
    def _expression(cls, text: str) -> Filter:
        try:
            pattern = Pattern.parse(text)
        except PatternError as error:
            return cls(text, condition=_condition(text, error if _begins_with_key(text) else None))
        if pattern.is_literal and pattern.predicate is None:  # such as level=="high": a key, as far as a pattern sees
            return cls(text, condition=_condition(text))
        return cls(text, pattern=pattern)

    def may_accept_record(self, record: Record[Any]) -> bool:
        """Whether it is worth while to ask :meth:`accepts_record`, which takes some ten times as long.  Never raises."""
        if self.words:
            in_value = not self.needle or may_hold(record.packed, self.needle)
            return in_value or self.words in record.key.casefold()
        return self.pattern is None or self.pattern.match_key(record.key) is not None

    def accepts_record(self, record: Record[Any]) -> bool:
        """Whether ``record`` is shown; one whose value does not decode is where its key says so.  Never raises."""
        if not self.may_accept_record(record):
            return False
        try:
            if self.words:
                return self.words in record.key.casefold() or self.words in excerpt(record, MOST_SEARCHED).casefold()
            if self.pattern is not None:
                return self.pattern.match(record) is not None
            return self.condition is not None and self.condition.test(record.value, None, record)
        except (BlackboardError, ValueError, TypeError, RecursionError):
            return False

    def accepts(self, document: Mapping[str, Any], text: str) -> bool:
        """Whether a row is shown whose fields are ``document`` and whose words are ``text``.  Never raises.

        A pattern is one of the ``key`` or the ``case`` in the document, and what follows ``where`` reads its fields.
        """
        try:
            if self.words:
                return self.words in text.casefold()
            if self.pattern is not None:
                return self._matches(self.pattern, document)
            return self.condition is not None and self.condition.test(document)
        except (ValueError, TypeError, RecursionError):
            return False

    @staticmethod
    def _matches(pattern: Pattern, document: Mapping[str, Any]) -> bool:
        for name in ("key", "case"):
            captures = pattern.match_key(str(document.get(name, "")))
            if captures is not None:
                return pattern.predicate is None or pattern.predicate.test(document, captures)
        return False


def _quoted(text: str) -> str:
    """What the one text in quotes says that ``text`` is, ``""`` where it is anything else; raises PatternError."""
    if text[0] not in _QUOTES:
        return ""
    said, end = read_string(Source(text), 0)
    return said if end == len(text) else ""


def _begins_with_key(text: str) -> bool:
    """Whether somebody who wrote ``text`` meant a pattern, going by how it begins."""
    key = text.split(maxsplit=1)[0]
    return _CONDITIONED.match(text) is not None or (not _KEY_MARKS.isdisjoint(key) and _NO_KEY.isdisjoint(key))


def _condition(text: str, instead: PatternError | None = None) -> Predicate:
    """The condition that ``text`` is; where it is none raises ``instead``, if given, else what is wrong with it."""
    try:
        return Predicate.parse(text)
    except PatternError as error:
        raise (instead or error) from None
