"""The keys that ``watch --press`` names are those that Textual knows."""

from __future__ import annotations

from string import printable

import pytest
from textual.keys import _character_to_key

from blackboard.errors import UsageError
from controller.viewer.keys import KEYS
from controller.viewer.pressing import keys_of


def test_characters_names_and_texts_are_keys() -> None:
    assert keys_of("w,enter,:,type a/b,G,") == ["w", "enter", "colon", "a", "slash", "b", "G"]
    assert keys_of("") == []


@pytest.mark.parametrize("character", [one for one in printable if one.isprintable() and one != ","] + ["é", "日", "✓"])
def test_a_character_is_named_as_textual_names_its_key(character: str) -> None:
    assert keys_of(character) == [_character_to_key(character)]


def test_every_key_of_the_table_can_be_pressed() -> None:
    names = [name for key in KEYS for name in key.keys]
    assert keys_of(",".join(names)) == names


@pytest.mark.parametrize(("text", "told"), [
    ("entr", "no key 'entr'; did you mean 'enter'?"),
    ("qqqq", "no key 'qqqq'; 'type TEXT' types a text"),
    ("\x1b", r"no key '\\x1b'"),
    ("type " + "x" * 1001, "1,001 keys are to be pressed; 1,000 is the most"),
])  # fmt: skip
def test_what_is_no_key_is_refused(text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told):
        keys_of(text)
