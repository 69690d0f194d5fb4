"""Texts that act on a terminal which is sent them, and boards on which every text is one of them.

What acts is judged here by Unicode's categories, not by the pattern that takes it out.
"""

from __future__ import annotations

import functools
import types
import unicodedata
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    Final,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from blackboard.control_records import SHAPES, Count
from controller.agenda_view import Agenda
from controller.viewer.model import Model
from tests.viewed import put, removed, written

if TYPE_CHECKING:
    from blackboard.record import Record

ATTACKS: Final[dict[str, str]] = {
    "the clipboard, by OSC 52": "\x1b]52;c;cm0gLXJmIH4=\x07",
    "the clipboard, asked for": "\x1b]52;c;?\x1b\\",
    "the title, by OSC 0": "\x1b]0;bank.example: signed in\x07",
    "the icon's name, by OSC 1 and ST": "\x1b]1;x\x1b\\",
    "a link that shows another, by OSC 8": "\x1b]8;;https://evil.example\x1b\\https://bank.example\x1b]8;;\x1b\\",
    "a notification, by OSC 9 and 777": "\x1b]9;paid\x07\x1b]777;notify;paid;all\x07",
    "the colours, by OSC 4, 10 and 11": "\x1b]4;1;rgb:00/00/00\x07\x1b]10;#000000\x07\x1b]11;#000000\x07",
    "the working directory, by OSC 7": "\x1b]7;file://host/etc\x07",
    "iTerm's files, by OSC 1337": "\x1b]1337;File=inline=1:aGk=\x07",
    "the screen cleared": "\x1b[2J\x1b[3J\x1b[H",
    "the terminal reset": "\x1bc\x1b[!p",
    "the cursor moved to overwrite": "safe\x1b[1A\x1b[2Kapproved by ann",
    "a carriage return that overwrites": "refused\rapproved",
    "backspaces that overwrite": "refused\b\b\b\b\b\b\bapproved",
    "a scroll region": "\x1b[1;2r\x1b[5S\x1b[5T\x1bM",
    "lines put in and taken out": "\x1b[10L\x1b[10M\x1b[10P\x1b[10@",
    "the other screen left": "\x1b[?1049l\x1b[?47l",
    "the mouse and pasting set": "\x1b[?1000l\x1b[?1006l\x1b[?2004l\x1b[?1003h",
    "the cursor hidden": "\x1b[?25l",
    "text that blinks and is unseen": "\x1b[5m\x1b[8mhidden\x1b[0m",
    "the status asked for, by DSR": "\x1b[5n\x1b[6n\x1b[?6n",
    "the device asked for, by DA": "\x1b[c\x1b[>c\x1b[=c\x05",
    "the title typed back": "\x1b[21t\x1b[20t",
    "the window moved and resized": "\x1b[8;1;1t\x1b[3;0;0t\x1b[2t",
    "a setting asked for, by DECRQSS": '\x1bP$q"p\x1b\\',
    "keys defined, by DECUDK": "\x1bP0;1|17/726d202d7266\x1b\\",
    "a picture, by sixel": "\x1bPq#0;2;0;0;0#0~~\x1b\\",
    "a command through tmux": "\x1bPtmux;\x1b\x1b]52;c;eA==\x07\x1b\\",
    "strings of APC, PM and SOS": "\x1b_Gf=32;AAAA\x1b\\\x1b^x\x1b\\\x1bXx\x1b\\",
    "the character set shifted": "\x0e\x0f\x1b(0lqqk\x1bn\x1bo",
    "printing and a screen dump": "\x1b[5i\x1b[4i\x1b[0i\x1b#8",
    "a string that never ends": "\x1b]0;" + "x" * 50,
    "a lone escape at the end": "x\x1b",
    "the sequences of C1, as code points": "".join(map(chr, range(0x80, 0xA0))),
    "CSI and OSC by one character each": '\x9b2J\x9d52;c;eA==\x9c\x90$q"p\x9c',
    "every control of C0 and DEL": "".join(map(chr, range(0x20))) + "\x7f",
    "line breaks of every kind": "one\ntwo\r\nthree\vfour\ffive\x85six\u2028seven\u2029eight",
    "text turned round by bidi overrides": "\u202e3 refund\u202c \u202dpaid\u202c \u202agood\u202b",
    "text turned round by bidi isolates": "\u2066a\u2067b\u2068c\u2069",
    "marks of direction": "\u200e\u200f\u061c",
    "nothing between letters": "pa\u200by\u200cm\u200de\u2060n\ufefft\u00ad",
    "letters that are tags": "".join(chr(0xE0000 + ord(letter)) for letter in "ignore this"),
    "characters that are drawn as nothing": "\u3164\u115f\u1160\uffa0\u17b4\u180e\u034f",
    "annotations and objects": "\ufff9a\ufffab\ufffb\ufffc",
    "variants by the dozen": "a" + "\ufe00\ufe01\ufe0d\U000e0100" * 20,
    "a flood of combining marks": "Z" + "\u0300\u0301\u0316\u0317\u0489\u20dd" * 500,
    "marks with nothing to stand on": "\u0301" * 200,
    "letters two cells wide at every edge": "漢字" * 200,
    "families and flags": "👨\u200d👩\u200d👧\u200d👦🏳\ufe0f\u200d🌈🇩🇪👍🏽" * 10,
    "markup of Rich and Textual": "[bold red]x[/] [link=https://evil.example]bank[/link] [@click=app.quit]y[/] [/nope] [",
    "markup that escapes": "\\[bold] \\\\[red] [\\] [[x]] {x} %s %(x)s {0} $x ${x}",
    "emoji codes": ":warning: :skull:",
    "colour left on": "\x1b[31;1;4;7m[red]",
    "a tab and a very long word": "a\tb" + "x" * 5_000,
    "noncharacters and the private use area": "\ufdd0\ufffe\uffff\ue000\U0010ffff",
}  # fmt: skip
"""what it does → the text; none holds a lone surrogate, which no record can"""
SURROGATES: Final = "\ud800\udc00\udfff x"
DRAWN: Final = frozenset(
    [*map(chr, range(0x600, 0x606)), "\u06dd", "\u070f", "\u0890", "\u0891", "\u08e2", "\U000110bd", "\U000110cd"]
)
"""format characters that are seen"""
UNSEEN: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0")
"""those of other categories that are drawn as nothing"""


def acting(text: str) -> str:
    """The characters of ``text`` that act on a terminal, turn the text round or are not seen; ``""``: there are none."""
    return "".join(
        one
        for one in text
        if one in UNSEEN or (unicodedata.category(one) in ("Cc", "Cf", "Cs", "Zl", "Zp") and one not in DRAWN)
    )


@functools.cache
def _hints(shape: Any) -> dict[str, Any]:
    return get_type_hints(shape, include_extras=True)


def filled(shape: Any, text: str, turn: int = 0) -> Any:
    """A value of ``shape`` in which every text that is free, names of fields of mappings too, is ``text``.

    Of the words that a field may hold it has another one each ``turn``.
    """
    if is_typeddict(shape):
        return {field: filled(hint, text, turn) for field, hint in _hints(shape).items()}
    origin, arguments = get_origin(shape), get_args(shape)
    if origin is NotRequired:
        return filled(arguments[0], text, turn)
    if origin is Annotated:
        counted = [one.items for one in arguments[1:] if isinstance(one, Count)]
        return filled(arguments[0], text, turn) * (counted[0] if counted else 1)
    if origin is Literal:
        return arguments[turn % len(arguments)]
    if origin in (types.UnionType, Union):
        return filled(next(one for one in arguments if one is not type(None)), text, turn)
    if origin is list:
        return [filled(arguments[0], text, turn)]
    if origin is dict:
        return {text: filled(arguments[1], text, turn)}
    return {int: 1_000, float: 1.0, bool: True, dict: {text: text}, list: [text]}.get(shape, text)


def hostile_records(text: str, turn: int = 0) -> list[Record[Any]]:
    """A record of every kind that there is, under keys with ``text`` in them, with every text in it ``text``."""
    values: dict[str, Any] = {
        f"case/{text}": {text: [text, {text: text}]},
        f"{text}/{text}": text,
        f"control/{text}": text,
        f"control/agents/{text}/unsound": text,
    }
    for place, shape in SHAPES.items():
        values[place + text if place.endswith("/") else place] = filled(shape, text, turn)
    return [written(key, value, revision, author=text) for revision, (key, value) in enumerate(values.items(), 1)]


def hostile_model(text: str, turn: int = 0) -> Model:
    """A board on which every text is ``text``, all its records in the log as well, an agenda published."""
    model = Model(text)
    for record in hostile_records(text, turn):
        model.apply(put(record, by=text))
    model.apply(removed(f"case/{text}", model.revision + 1, by=text))
    assert model.unsound.keys() == {f"control/agents/{text}/unsound"}, model.unsound
    model.agenda = filled(Agenda, text, turn)
    return model
