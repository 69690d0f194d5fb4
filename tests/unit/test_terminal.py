"""Nothing that a terminal would obey, and nothing that hides, gets through."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blackboard.terminal import format_json, json_pieces, sanitize

ATTACKS = {
    "OSC 52 writes the clipboard": ("\x1b]52;c;cm0gLXJmIH4=\x07", r"\x1b]52;c;cm0gLXJmIH4=\x07"),
    "OSC 8 makes a link": ("\x1b]8;;http://evil\x1b\\here\x1b]8;;\x1b\\", r"\x1b]8;;http://evil\x1b\here\x1b]8;;\x1b" + "\\"),
    "OSC 0 renames the window": ("\x1b]0;root@prod\x07", r"\x1b]0;root@prod\x07"),
    "CSI clears the screen": ("\x1b[2J\x1b[H", r"\x1b[2J\x1b[H"),
    "CSI hides text": ("\x1b[8mhidden\x1b[0m", r"\x1b[8mhidden\x1b[0m"),
    "DCS asks for an answer": ('\x1bP$q"p\x1b\\', '\\x1bP$q"p\\x1b\\'),
    "8-bit CSI": ("\x9b31mred", r"\x9b31mred"),
    "8-bit OSC": ("\x9d52;c;eA==\x9c", r"\x9d52;c;eA==\x9c"),
    "8-bit DCS": ("\x90q\x9c", r"\x90q\x9c"),
    "carriage return overwrites": ("refused\rapproved", r"refused\rapproved"),
    "backspace overwrites": ("no\x08\x08yes", r"no\x08\x08yes"),
    "a line of its own": ("ok\nblackboard: all is well", r"ok\nblackboard: all is well"),
    "vertical tab and form feed": ("\x0b\x0c", r"\x0b\x0c"),
    "DEL": ("\x7f", r"\x7f"),
    "NUL": ("a\x00b", r"a\x00b"),
    "bidi override": ("user\u202e\u2066// admin\u2069", r"user\u202e\u2066// admin\u2069"),
    "zero width": ("pay\u200bpal\ufeff", r"pay\u200bpal\ufeff"),
    "line separator": ("a\u2028b", r"a\u2028b"),
    "tag characters": ("\U000e0041\U000e007f", r"\U000e0041\U000e007f"),
    "selectors that carry bytes": ("\U000e0101", r"\U000e0101"),
    "a lone surrogate": ("\ud800", r"\ud800"),
    "a byte that is no UTF-8": ("\udcff", r"\udcff"),
    "a filler": ("\u3164", r"\u3164"),
}  # fmt: skip

# From the big list of naughty strings: strange, but all drawn, so all shown as they are.
HARMLESS = [
    "",
    "undefined",
    "1;DROP TABLE users",
    "<script>alert(0)</script>",
    "Ω≈ç√∫˜µ≤≥÷",
    "田中さんにあげて下さい",
    "השמרו לבבכם",
    "ﷺ",
    "😍❤️💪🏾",
    "[bold red]not markup[/]",
    ":warning:",
    "T̗o͖̜",
    "../../../../etc/passwd%00",
    "$HOME `touch /tmp/x`",
    "C:\\x1b\\file",
]

DRAWN_FORMAT = set("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
"""format characters of Arabic, Syriac and Kaithi that have a shape"""


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_on_the_terminal_is_shown_and_not_obeyed(name: str) -> None:
    attack, shown = ATTACKS[name]
    assert sanitize(attack) == shown


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_strange_stays_as_it_is(text: str) -> None:
    assert sanitize(text) == text


def test_every_control_format_separator_and_surrogate_character_of_unicode_is_escaped() -> None:
    kept = {
        chr(code)
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in ("Cc", "Cf", "Cs", "Zl", "Zp") and sanitize(chr(code)) == chr(code)
    }
    assert kept == DRAWN_FORMAT


def test_line_ends_and_tabs_stay_only_for_who_asks() -> None:
    assert sanitize("a\n\tb", keep="\n\t") == "a\n\tb"
    assert sanitize("a\n\tb", keep="\n") == "a\n\\tb"
    assert sanitize("a\n\tb") == "a\\n\\tb"


@given(st.text())
def test_sanitizing_twice_changes_nothing_more_and_the_result_can_always_be_encoded(text: str) -> None:
    once = sanitize(text)
    assert sanitize(once) == once
    once.encode()


@given(st.text(alphabet=st.characters(exclude_categories=())))
def test_json_says_the_same_text_without_a_character_that_acts(text: str) -> None:
    written = format_json({text: [text]})
    assert sanitize(written) == written
    assert json.loads(written) == json.loads(json.dumps({text: [text]}))


@given(
    st.recursive(
        st.text() | st.integers() | st.none(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner)
    )
)
def test_json_in_pieces_is_the_same_json(value: object) -> None:
    assert "".join(json_pieces(value)) == format_json(value)
    assert "".join(json_pieces(value, indent=2)) == format_json(value, indent=2)


def test_the_beginning_of_a_long_text_comes_before_its_end_is_looked_at() -> None:
    pieces = json_pieces("\u202e" * 10_000)
    assert len(next(pieces)) < 10_000 * len("\\u202e")
    assert "".join(json_pieces("\u202e" * 10_000)) == '"' + "\\u202e" * 10_000 + '"'


def test_json_for_people_is_indented_and_keeps_their_letters() -> None:
    assert format_json({"name": "Zoë\x7f"}, indent=2) == '{\n  "name": "Zoë\\u007f"\n}'


def test_json_refuses_what_it_cannot_say() -> None:
    assert format_json(b"\x00\xff") == '{"base64": "AP8="}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        format_json(float("nan"))
    with pytest.raises(TypeError, match="set cannot be written as JSON"):
        format_json({1})
