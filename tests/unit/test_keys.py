"""One module names everything, and no name breaks out of its place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import blackboard
from blackboard.errors import InvalidName
from blackboard.keys import MAX_KEY_BYTES, BoardKeys, board_of, check_board_name, check_key, region_of


@pytest.mark.parametrize("name", ["main", "a", "process_return@12", "A-b_c.9", "x" * 64, "x" * 64 + "@999999999"])
def test_a_boards_name_is_short_and_plain(name: str) -> None:
    assert check_board_name(name) == name
    assert board_of(BoardKeys(name).meta) == name


@pytest.mark.parametrize(
    "name", ["", "x" * 65, "a b", "a/b", "a}b", "{a}", "a@", "a@x", "a@1@2", "é", "a\n", "a:b", "a*"]
)
def test_another_is_refused(name: str) -> None:
    with pytest.raises(InvalidName):
        BoardKeys(name)


@given(st.text())
def test_a_key_that_is_taken_has_only_visible_characters_and_a_region(key: str) -> None:
    try:
        check_key(key)
    except InvalidName:
        return
    assert region_of(key)
    assert len(key.encode()) <= MAX_KEY_BYTES
    assert not re.search(r"[\s{}*\\\x00-\x1f\x7f-\x9f\u202a-\u202e\ud800-\udfff]", key)
    assert "" not in key.split("/")


def test_every_key_of_a_board_has_its_hash_tag_once() -> None:
    keys = BoardKeys("main@1")
    names = [keys.meta, keys.log, keys.revisions, keys.regions, keys.expiries, keys.agenda]
    names += [keys.records("order"), keys.session("s"), keys.once("k"), keys.alive("m"), keys.inbox("w")]
    assert len(set(names)) == len(names)
    for name in names:
        assert name.startswith("bb:{main@1}:")
        assert re.match(r"[^{]*\{([^}]*)\}", name).group(1) == "main@1"  # type: ignore[union-attr]


def test_no_other_module_spells_a_redis_key() -> None:
    source = Path(blackboard.__file__).parent
    spelled = {p.name for p in source.rglob("*.py") if "bb:{" in p.read_text(encoding="utf-8")}
    assert spelled <= {"keys.py"}
