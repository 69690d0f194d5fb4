"""The lexer: names, literals and operators, each with its place."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final, Literal, NamedTuple, TypeAlias

from blackboard.predicate import spelling
from blackboard.predicate.literals import read_number, read_string

if TYPE_CHECKING:
    from blackboard.predicate.source import Source
    from blackboard.predicate.values import Scalar

Kind: TypeAlias = Literal["name", "literal", "operator", "end"]

_CONSTANTS: Final[dict[str, bool | None]] = {"true": True, "false": False, "null": None}
# The misspelt operators stand before the true ones that they begin with.
_TOKEN: Final = re.compile(
    r"""
      (?P<space>[ \t\n\f\r]+)
    | (?P<string>(?:[rR]|(?P<bytes>[bB][rR]?|[rR][bB]))?["'])
    | (?P<number>[0-9]*\.[0-9]+(?:[eE][+-]?[0-9]+)? | [0-9]+[eE][+-]?[0-9]+)
    | (?P<integer>(?:0[xX][0-9a-fA-F]+|[0-9]+)[uU]?)
    | (?P<name>[A-Za-z_][A-Za-z0-9_]*)
    | (?P<misspelt>===|!==|=>|=<|<>|=~|!~)
    | (?P<operator>&&|\|\||==|!=|<=|>=|[<>!()\[\],.\-])
    """,
    re.VERBOSE,
)
_SUFFIX: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Token(NamedTuple):
    """A piece of the text from index ``start`` up to ``end``; ``value`` is what a literal stands for."""

    kind: Kind
    text: str
    start: int
    end: int
    value: Scalar = None


def tokenize(source: Source) -> list[Token]:
    """The tokens of a text, with one of kind ``end`` last.  Raises PatternError at the first that is none."""
    tokens: list[Token] = []
    text, at = source.text, 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None or found.lastgroup == "misspelt":
            raise source.error(spelling.symbol(text[at] if found is None else found.group()), at)
        kind, end = found.lastgroup, found.end()
        if kind in ("number", "integer"):
            tokens.append(_number(source, at, end))
        elif kind == "string":
            tokens.append(_string(source, at, found.group("bytes") is not None))
        elif kind == "name" and found.group() in _CONSTANTS and not _after_dot(tokens):
            tokens.append(Token("literal", found.group(), at, end, _CONSTANTS[found.group()]))
        elif kind == "name":
            tokens.append(Token("name", found.group(), at, end))
        elif kind == "operator":
            tokens.append(Token("operator", found.group(), at, end))
        at = tokens[-1].end if kind == "string" else end
    tokens.append(Token("end", "", len(text), len(text)))
    return tokens


def _after_dot(tokens: list[Token]) -> bool:
    return bool(tokens) and tokens[-1].text == "." and tokens[-1].kind == "operator"


def _number(source: Source, at: int, end: int) -> Token:
    digits = source.text[at:end]
    suffix = _SUFFIX.match(source.text, end)
    if suffix is not None:
        raise source.error(spelling.number_suffix(digits, suffix.group()), at)
    return Token("literal", digits, at, end, read_number(source, digits.rstrip("uU"), at))


def _string(source: Source, at: int, is_bytes: bool) -> Token:
    if is_bytes:
        raise source.error("bytes literals are left out", at)
    value, end = read_string(source, at)
    return Token("literal", source.text[at:end], at, end, value)
