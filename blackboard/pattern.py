"""A pattern: which keys, and what their records must say, as one string everywhere.

``order/{order}/label where status == "picked" && amount > 100``: segments that are literal, ``{name}`` (one
segment, captured), ``*`` (one segment) and at the end ``**`` (one or more), then a predicate perhaps.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, Literal, NamedTuple, TypeAlias

from blackboard.errors import InvalidName, PatternError
from blackboard.keys import MAX_KEY_BYTES, check_key
from blackboard.predicate import Predicate
from blackboard.predicate.path import RESERVED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from blackboard.record import Record

Match: TypeAlias = dict[str, str]
"""Capture name → the text it stands for."""

_CAPTURE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")
_KEY: Final = re.compile(r"\S+")
_WHERE: Final = re.compile(r"\s+(?P<word>\w+)?")


class Segment(NamedTuple):
    """One segment of a key template: ``text`` is the literal or the name of the capture, else ``* **``."""

    kind: Literal["literal", "capture", "any", "rest"]
    text: str
    column: int


class Pattern:
    """A parsed pattern; patterns with equal ``text`` are equal.

    ``text`` is normalised: one space where there was white space, none at the ends.  ``key_text`` is its key
    template, ``region`` the first segment, ``captures`` the names in the order in which they first stand there.
    """

    __slots__ = ("_match_key", "captures", "is_literal", "key_text", "predicate", "region", "segments", "text")

    def __init__(self, key_text: str, segments: tuple[Segment, ...], predicate: Predicate | None) -> None:
        self.key_text = key_text
        self.segments = segments
        self.predicate = predicate
        self.text = key_text if predicate is None else f"{key_text} where {predicate.text}"
        self.region = segments[0].text
        self.captures = tuple(dict.fromkeys(each.text for each in segments if each.kind == "capture"))
        self.is_literal = all(each.kind == "literal" for each in segments)
        """no captures and no wildcards: the template is a key"""
        self._match_key = _matcher(segments, key_text)

    @classmethod
    def parse(cls, text: str) -> Pattern:
        """Parse ``key template [where predicate]``.  Raises PatternError, which points into ``text``."""
        start = len(text) - len(text.lstrip())
        found = _KEY.match(text, start)
        if found is None:
            raise PatternError("a pattern cannot be empty", text=text, column=1)
        segments = _segments(found.group(), text, start)
        captures = frozenset(each.text for each in segments if each.kind == "capture")
        return cls(found.group(), segments, _predicate(text, found.end(), captures))

    def match_key(self, key: str) -> Match | None:
        """The captures if the template fits ``key``, else None; the predicate is not asked."""
        return self._match_key(key)

    def match(self, record: Record[Any]) -> Match | None:
        """The captures if key and predicate fit ``record``, else None."""
        captures = self._match_key(record.key)
        if captures is None or self.predicate is None or self.predicate.test(record.value, captures, record):
            return captures
        return None

    def fill(self, captures: Mapping[str, str]) -> str:
        """The key with the captures put in.

        Raises PatternError for a wildcard or a capture without a value, InvalidName for a value that is no
        single segment of a key.
        """
        return "/".join(
            [each.text if each.kind == "literal" else self._filled(each, captures) for each in self.segments]
        )

    def bind(self, captures: Mapping[str, str]) -> str | None:
        """The one key that the template fits once ``captures`` are known; None if it still fits several."""
        for each in self.segments:
            if each.kind in ("any", "rest") or (each.kind == "capture" and each.text not in captures):
                return None
        return self.fill(captures)

    def overlaps(self, other: Pattern) -> bool:
        """Whether some key fits both key templates; the predicates are not asked."""
        for index in range(max(len(self.segments), len(other.segments))):
            here = [pattern.segments[index] for pattern in (self, other) if index < len(pattern.segments)]
            if any(segment.kind == "rest" for segment in here):
                return True
            if len(here) < 2:
                return False
            if all(segment.kind == "literal" for segment in here) and here[0].text != here[1].text:
                return False
        return True

    def _filled(self, segment: Segment, captures: Mapping[str, str]) -> str:
        if segment.kind != "capture":
            raise PatternError(f"{segment.text} names no single key", text=self.key_text, column=segment.column)
        if segment.text not in captures:
            raise PatternError(f"no value for {{{segment.text}}}", text=self.key_text, column=segment.column)
        value = captures[segment.text]
        if "/" in value:
            raise InvalidName(f"{value[:80]!r} for {{{segment.text}}} in {self.key_text}: a capture is one segment")
        return check_key(value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Pattern) and self.text == other.text

    def __hash__(self) -> int:
        return hash(self.text)

    def __repr__(self) -> str:
        return f"Pattern({self.text!r})"

    def __str__(self) -> str:
        return self.text


def _predicate(text: str, at: int, captures: frozenset[str]) -> Predicate | None:
    """The predicate after the key, which ends at ``at``."""
    if not text[at:].strip():
        return None
    found = _WHERE.match(text, at)
    word = (found.group("word") if found else None) or ""
    begin = found.end() if found else at
    if word != "where":
        reason = 'after the key comes where and a predicate, as in order/{order} where status == "picked"'
        raise PatternError(reason, text=text, column=begin - len(word) + 1)
    if not text[begin:].strip():
        raise PatternError("after where comes a predicate", text=text, column=begin + 1)
    return Predicate.parse(text[begin:], captures=captures, offset=begin, whole=text)


def _segments(key: str, text: str, start: int) -> tuple[Segment, ...]:
    """The segments of a template that begins at index ``start`` of ``text``."""
    if len(key) > 2 * MAX_KEY_BYTES:
        raise PatternError(f"a key has at most {MAX_KEY_BYTES} bytes", text=text, column=start + 1)
    segments: list[Segment] = []
    column = start + 1
    for part in key.split("/"):
        segments.append(_segment(part, text, column))
        column += len(part) + 1
    if segments[0].kind != "literal":
        reason = f"the first segment is the region and stands as it is, not {segments[0].text}"
        raise PatternError(reason, text=text, column=start + 1)
    for each in segments[:-1]:
        if each.kind == "rest":
            raise PatternError("** stands at the end only", text=text, column=each.column)
    return tuple(segments)


def _segment(part: str, text: str, column: int) -> Segment:
    if part == "*":
        return Segment("any", part, column)
    if part == "**":
        return Segment("rest", part, column)
    if part[:1] == "{" and part[-1:] == "}":
        name = part[1:-1]
        if name in RESERVED:
            raise PatternError(f"a capture cannot be called {name}", text=text, column=column + 1)
        if not _CAPTURE.match(name):
            reason = "a capture is one name of letters, digits and _ in braces, as {order}"
            raise PatternError(reason, text=text, column=column)
        return Segment("capture", name, column)
    if not part:
        raise PatternError("an empty segment: one / between two segments, none at the ends", text=text, column=column)
    if any(char in part for char in "{}*"):
        reason = f"{part} is only partly a capture or wildcard: a segment is a text, *, ** or {{name}} as a whole"
        raise PatternError(reason, text=text, column=column)
    try:
        check_key(part)
    except InvalidName as error:
        raise PatternError(error.reason, text=text, column=column) from error
    return Segment("literal", part, column)


def _matcher(segments: tuple[Segment, ...], key_text: str) -> Callable[[str], Match | None]:
    """The test of a key, made for the shape of the template."""
    open_ones = [each for each in segments if each.kind != "literal"]
    if not open_ones:
        return lambda key: {} if key == key_text else None
    if len(open_ones) == 1:
        at = segments.index(open_ones[0])
        before = "".join(each.text + "/" for each in segments[:at])
        after = "".join("/" + each.text for each in segments[at + 1 :])
        return _one_open(before, after, open_ones[0])
    return _many_open(segments)


def _one_open(before: str, after: str, segment: Segment) -> Callable[[str], Match | None]:
    """One segment between two fixed texts: two comparisons and a slice."""
    start, cut = len(before), len(after)
    rest, name = segment.kind == "rest", segment.text if segment.kind == "capture" else ""

    def match(key: str) -> Match | None:
        if not key.startswith(before) or not key.endswith(after):
            return None
        inner = key[start : len(key) - cut]
        if not inner or ("/" in inner and not rest):
            return None
        return {name: inner} if name else {}

    return match


def _many_open(segments: tuple[Segment, ...]) -> Callable[[str], Match | None]:
    open_end = segments[-1].kind == "rest"
    count = len(segments)
    literals = tuple((at, each.text) for at, each in enumerate(segments) if each.kind == "literal")
    captures: dict[str, int] = {}
    repeated: list[tuple[int, int]] = []
    for at, each in enumerate(segments):
        if each.kind == "capture" and captures.setdefault(each.text, at) != at:
            repeated.append((captures[each.text], at))
    named = tuple(captures.items())
    before = segments[0].text + "/"

    def match(key: str) -> Match | None:
        if not key.startswith(before):
            return None
        parts = key.split("/")
        if len(parts) != count and not (open_end and len(parts) > count):
            return None
        for at, text in literals:
            if parts[at] != text:
                return None
        for first, again in repeated:
            if parts[first] != parts[again]:
                return None
        return {name: parts[at] for name, at in named}

    return match
