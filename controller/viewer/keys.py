"""Which key does what: one table, from which come the bindings, the footer, the help and the page in the docs."""

from __future__ import annotations

from typing import Final, NamedTuple


class Key(NamedTuple):
    """One thing that can be done; ``keys`` are as Textual names them, ``shown`` as a person reads them."""

    action: str
    keys: tuple[str, ...]
    shown: str
    word: str
    """for the footer"""
    help: str


KEYS: Final = (
    Key("open", ("enter",), "enter", "open", "open what the line is about"),
    Key("back", ("escape",), "esc", "back", "go back; end a filter, an input, the past"),
    Key("down", ("down", "j"), "j ↓", "down", "one line down"),
    Key("up", ("up", "k"), "k ↑", "up", "one line up"),
    Key("left", ("left", "h"), "h ←", "left", "what lies to the left; in wide lines, the text"),
    Key("right", ("right", "l"), "l →", "right", "what lies to the right"),
    Key("page_down", ("pagedown", "ctrl+d"), "pgdn", "page down", "a page down"),
    Key("page_up", ("pageup", "ctrl+u"), "pgup", "page up", "a page up"),
    Key("top", ("home", "g"), "g", "top", "the first line"),
    Key("bottom", ("end", "G"), "G", "bottom", "the last line"),
    Key("next", ("tab",), "tab", "next view", "the next view"),
    Key("previous", ("shift+tab",), "shift+tab", "view before", "the view before"),
    Key("zoom", ("z",), "z", "zoom", "one view alone, and back to all"),
    Key("jump", ("colon",), ":", "view", "go to a view by its name, or to a record, agent or case"),
    Key("filter", ("slash",), "/", "filter", "show only what fits: a word, a pattern or a condition"),
    Key("sort", ("s",), "s", "sort", "sort by the next column"),
    Key("columns", ("c",), "c", "columns", "choose the columns"),
    Key("fold", ("o",), "o", "fold", "fold or unfold a region"),
    Key("follow", ("f",), "f", "follow", "stay with the newest line"),
    Key("pause", ("space",), "space", "pause", "let the display stand; in the past, play or stop"),
    Key("travel", ("t",), "t", "time travel", "show the board as it was; now: go back to the present"),
    Key("older", ("left_square_bracket",), "[", "older", "the version before; in the past, one revision back"),
    Key("newer", ("right_square_bracket",), "]", "newer", "the next version; in the past, one revision on"),
    Key("slower", ("minus",), "-", "slower", "in the past, play slower: as it went, or so many commits a second"),
    Key("faster", ("plus", "equals_sign"), "+", "faster", "in the past, play faster"),
    Key("diff", ("d",), "d", "diff", "what the version changed"),
    Key("why", ("w",), "w", "why", "why it is so: where it came from, or why an agent has not fired"),
    Key("act", ("a",), "a", "act", "answer, order, pause, step, post: with --write"),
    Key("copy", ("y",), "y", "copy", "copy what the line is about"),
    Key("theme", ("T",), "T", "theme", "other colours, dark or light"),
    Key("help", ("question_mark",), "?", "help", "this help"),
    Key("quit", ("q",), "q", "quit", "leave"),
)
"""in the order of the help"""


def key_of(action: str) -> Key:
    """The key that does ``action``."""
    return next(key for key in KEYS if key.action == action)
