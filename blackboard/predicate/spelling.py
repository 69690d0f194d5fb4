"""What to say to somebody who wrote it as another language would: each near miss with the right spelling."""

from __future__ import annotations

import json
import re
from typing import Final

METHODS: Final = ("startsWith", "endsWith", "contains", "glob")
FUNCTIONS: Final = ("has", "size", *METHODS)

_SYMBOLS: Final = {
    "===": "write ==", "==": "write ==", "!==": "write !=", "<>": "write !=", "=>": "write >=", "=<": "write <=",
    "=": "write == to compare", "&": "write &&", "|": "write ||",
    "=~": 'there are no regular expressions: write field.glob("a*")',
    "!~": 'there are no regular expressions: write !field.glob("a*")',
    "~": 'there are no regular expressions: write field.glob("a*")',
    "+": "arithmetic is left out", "*": "arithmetic is left out", "%": "arithmetic is left out",
    "/": "arithmetic and comments are left out; text is quoted",
    "?": "the conditional ? : is left out: write (a && b) || (!a && c)",
    ":": "maps and conditionals are left out; text is quoted",
    "{": "map literals are left out; a capture is written without braces",
    "}": "map literals are left out; a capture is written without braces",
    "`": 'quoted field names are written ["content-type"]',
    "\u201c": 'write straight quotes: "', "\u201d": 'write straight quotes: "',
    "\u2018": "write straight quotes: '", "\u2019": "write straight quotes: '",
}  # fmt: skip
_CONSTANTS: Final = {
    "True": "true", "TRUE": "true", "False": "false", "FALSE": "false",
    "None": "null", "NULL": "null", "Null": "null", "nil": "null", "undefined": "null",
}  # fmt: skip
_INFIX: Final = {
    "and": "write && for and", "or": "write || for or",
    "not": 'write ! for not, as in !(status in ["a", "b"])',
    "is": "write == for is", "eq": "write == for eq", "ne": "write != for ne",
    "lt": "write < for lt", "gt": "write > for gt", "le": "write <= for le", "ge": "write >= for ge",
    "contains": 'write field.contains("text")', "startswith": 'write field.startsWith("text")',
    "endswith": 'write field.endsWith("text")', "glob": 'write field.glob("a*")', "like": 'write field.glob("a*")',
    "matches": 'there are no regular expressions: write field.glob("a*")',
    "where": "a pattern has one where: join conditions with &&",
    "if": "conditionals are left out: join conditions with &&",
}  # fmt: skip
_CALLS: Final = {
    "len": "size", "length": "size", "count": "size", "exists": "has", "defined": "has",
    "startswith": "startsWith", "starts_with": "startsWith", "endswith": "endsWith", "ends_with": "endsWith",
    "includes": "contains", "matches": "glob", "match": "glob", "fnmatch": "glob", "like": "glob",
}  # fmt: skip
_MACROS: Final = ("all", "exists", "exists_one", "filter", "map")
_LEFT_OUT: Final = (*_MACROS, "int", "uint", "double", "string", "bytes", "bool", "dyn",
                    "type", "duration", "timestamp")  # fmt: skip
_WORD: Final = re.compile(r"[\w\-]+")


def symbol(text: str) -> str:
    """The reason for a character or operator that is none of ours."""
    if text in _SYMBOLS:
        return f"{text} is no operator here: {_SYMBOLS[text]}"
    if text.isalpha():
        return f'{text!r} cannot stand in a name: write value["..."] for such a field, and quote text'
    return f"{text!r} has no meaning here"


def constant(name: str) -> str | None:
    """The reason for another language's true, false or null; ``None`` for any other name."""
    return f"write {_CONSTANTS[name]} for {name}" if name in _CONSTANTS else None


def number_suffix(digits: str, suffix: str) -> str:
    """The reason for letters right after a number."""
    return f"{digits}{suffix} is neither a number nor a name; text is quoted: {json.dumps(digits + suffix)}"


def after_operand(text: str, left: str) -> str:
    """The reason for a token where an operator or the end was due; ``left`` is what stands before it."""
    if text.casefold() in _INFIX:
        return _INFIX[text.casefold()]
    if text == "-":
        return 'arithmetic is left out; a name with a dash is written value["a-b"], and text is quoted'
    if text[:1] == "." and text[1:].isdecimal():
        return f"write {left}[{text[1:]}] for an element of a list"
    return f"expected && or || or the end, found {text}"


def call(name: str, *, method: bool = False) -> str:
    """The reason for a function, or a method, that does not exist."""
    if method and name in _MACROS:
        return f"{name}() over the elements of a list is left out"
    near = {known.casefold(): known for known in FUNCTIONS} | _CALLS
    if name.casefold() in near:
        return f"there is no {name}: write {near[name.casefold()]}"
    if name in ("not", "NOT", "Not"):
        return "write ! for not"
    if name in _LEFT_OUT:
        return f"{name}() is left out"
    return f"there is no function {name}; there are {', '.join(FUNCTIONS)}"


def bare_word(text: str, start: int, comparison: str) -> str:
    """The reason for a word without quotes at ``start``; ``comparison`` is what stands before it."""
    found = _WORD.match(text, start)
    word = found.group() if found else ""
    name = re.match(r"\w*", word, re.ASCII)
    field = name.group() if name else word
    quoted = json.dumps(word, ensure_ascii=False)
    return (
        f"{word} is neither quoted nor a capture of the pattern: "
        f"write {comparison}{quoted}, or value.{field} for the field"
    )
