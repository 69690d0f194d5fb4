"""Where a setting comes from, and what is refused."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from blackboard.errors import InvalidInput, UsageError
from blackboard.settings import DEFAULT_URL, Settings, load_settings

if TYPE_CHECKING:
    from pathlib import Path


def test_with_nothing_set_the_defaults_hold(tmp_path: Path) -> None:
    """An embedded server in ``.blackboard``, the newest board, fsync every second."""
    assert load_settings({}, environ={}, start=tmp_path) == Settings(url=DEFAULT_URL, board="", fsync="everysec")


def test_a_flag_counts_before_the_environment_and_that_before_a_file(tmp_path: Path) -> None:
    """Each source is asked for what the ones before it left open."""
    (tmp_path / "blackboard.toml").write_text('url = "redis://file"\nboard = "file"\nfsync = "always"\n')
    environ = {"BLACKBOARD_URL": "redis://variable", "BLACKBOARD_BOARD": "variable"}
    found = load_settings({"url": "redis://flag", "board": None}, environ=environ, start=tmp_path)
    assert found == Settings(url="redis://flag", board="variable", fsync="always")


def test_the_nearest_file_upward_counts_alone(tmp_path: Path) -> None:
    """A table in pyproject.toml is as good as a file; a pyproject.toml without one is passed over."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    (tmp_path / "blackboard.toml").write_text('board = "outer"\nfsync = "always"\n')
    (tmp_path / "a" / "pyproject.toml").write_text('[project]\nname = "x"\n[tool.blackboard]\nboard = "middle"\n')
    (inner / "pyproject.toml").write_text('[project]\nname = "y"\n')
    found = load_settings({}, environ={}, start=inner)
    assert found == Settings(board="middle")


def test_a_directory_in_a_file_is_meant_from_the_files_folder(tmp_path: Path) -> None:
    """Else the same setting would name another board in each folder."""
    inner = tmp_path / "inner"
    inner.mkdir()
    (tmp_path / "blackboard.toml").write_text('url = "embedded:data"\n')
    assert load_settings({}, environ={}, start=inner).url == f"embedded:{tmp_path}/data"


@pytest.mark.parametrize(
    ("name", "text", "place", "reason"),
    [
        ("blackboard.toml", 'board = "b"\nulr = "memory:"\n', ":2", "no setting 'ulr'; did you mean 'url'?"),
        ("blackboard.toml", "board = 3\n", ":1", "board: must be a text in quotes"),
        ("blackboard.toml", '\nfsync = "no"\n', ":2", "neither everysec nor always"),
        ("blackboard.toml", "url = \n", ":1:7", "not TOML"),
        ("pyproject.toml", '[x]\nurl="1"\n\n[tool.blackboard]\ncolour = "1"\n', ":5", "there are url, board, fsync"),
        ("pyproject.toml", "[tool]\nblackboard = 1\n", "tool.blackboard", "must be a table"),
        ("blackboard.toml", 'protocol = "4"\n', ":1", "neither 2 nor 3"),
        pytest.param("blackboard.toml", f"\na{'.b' * 100_000} = 1", ":2", "more than 200 dots", id="many parts"),
        pytest.param("blackboard.toml", f"# {'x' * 300_000}", "blackboard.toml", "larger than 256 KiB", id="large"),
        pytest.param("blackboard.toml", f"a = {'[' * 5000}", "blackboard.toml", "not TOML that can be read", id="deep"),
        pytest.param("blackboard.toml", f"a = {'9' * 5000}", "blackboard.toml", "not TOML that can be read", id="long"),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_its_place(
    tmp_path: Path, name: str, text: str, place: str, reason: str
) -> None:
    """The message begins with file and line and says what would be right."""
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidInput) as refused:
        load_settings({}, environ={}, start=tmp_path)
    assert str(refused.value).startswith(str(tmp_path / name))
    assert place in str(refused.value)
    assert reason in str(refused.value)


@pytest.mark.parametrize(
    ("flags", "environ", "reason"),
    [
        ({"ulr": "x"}, {}, "--ulr: no setting 'ulr'; did you mean 'url'?"),
        ({"fsync": "never"}, {}, "--fsync: fsync: 'never'"),
        ({}, {"BLACKBOARD_ULR": "x"}, "did you mean BLACKBOARD_URL?"),
        ({}, {"BLACKBOARD_FSYNC": "no"}, "BLACKBOARD_FSYNC"),
        ({}, {"BLACKBOARD_URL": ""}, "must not be empty"),
    ],
)
def test_a_flag_or_variable_that_is_wrong_is_a_usage_error(
    tmp_path: Path, flags: dict[str, str], environ: dict[str, str], reason: str
) -> None:
    """It is named as the user typed it."""
    with pytest.raises(UsageError, match=reason.replace("?", r"\?")):
        load_settings(flags, environ=environ, start=tmp_path)


def test_a_variable_of_somebody_else_with_our_prefix_is_left_alone(tmp_path: Path) -> None:
    """Failpoints and other people's programs use the prefix too."""
    environ = {"BLACKBOARD_FAILPOINTS": "x:1", "BLACKBOARD_LEARN_HOST": "y"}
    assert load_settings({}, environ=environ, start=tmp_path) == Settings()


def test_settings_do_not_change() -> None:
    """Whoever was given them may rely on them."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Settings().url = "memory:"  # type: ignore[misc]


def test_another_tools_large_file_is_passed_over_unread(tmp_path: Path) -> None:
    """It may have lines that ours may not; parsing it would be in nobody's interest."""
    (tmp_path / "blackboard.toml").write_text('board = "outer"\n')
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "pyproject.toml").write_text(f"[tool.other]\na{'.b' * 200_000} = 1\n")
    assert load_settings({}, environ={}, start=inner) == Settings(board="outer")
