"""A server that many share, who are killed as they come, work and go: no increment is lost, and nothing stays."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
import redis

from blackboard.embedded import EmbeddedServer
from blackboard.record import parse_stored
from tests.embedded_remains import is_free, links_to, processes, strays
from tests.proof.amounts import amount, chance
from tests.proof.dump import read_dump
from tests.proof.history import History
from tests.proof.run import Run
from tests.proof.saved import hold
from tests.proof.violation import Violation
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
CROWD = Path(__file__).with_name("embedded_crowd.py")
STEPS = Path(__file__).with_name("embedded_steps.py")
BOARD = "crowd"
KEEPERS_LINES = 60
"""more than a keeper passes that need not wait"""


@pytest.fixture
def directory() -> Iterator[Path]:
    """A path that has everything that is awkward: blanks, other letters, and no room for a socket's name."""
    base = Path(tempfile.mkdtemp(prefix="bbtest-emb-"))
    yield base / "mein großes Brett — 黒板" / "/".join(["a folder with a long name"] * 3) / "board"
    for pid in processes(base):
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    for link in links_to(base, below=True):
        link.unlink(missing_ok=True)
    shutil.rmtree(base)


class Steps:
    """The program ``embedded_steps.py`` at work."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, STEPS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            text=True,
        )

    def take(self, who: str, last: int, directory: Path) -> str:
        """Have a user come and go that, or whose keeper, dies before line ``last``; how it went."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{who} {last} {directory}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().rstrip("\n")

    def close(self) -> None:
        self._process.communicate(timeout=60)


@pytest.fixture
def steps() -> Iterator[Steps]:
    running = Steps()
    yield running
    running.close()


class Gone(NamedTuple):
    """What became of one user."""

    number: int
    acknowledged: int
    end: str
    failure: str


def have_come(directory: Path, journals: Path, seeded: int, first: int, users: int) -> list[Gone]:
    """Have a crowd use the server in ``directory``, and return when all of it is gone."""
    words = [str(directory), BOARD, str(journals), str(seeded), str(first), str(users)]
    done = subprocess.run(
        [sys.executable, CROWD, *words],
        capture_output=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=60 + users,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode(errors="replace")[-4000:]
    gone = [Gone(*json.loads(line)) for line in done.stdout.splitlines()]
    assert len(gone) == users
    return gone


def remains(directory: Path) -> list[object]:
    """What is there that should not be when nobody uses ``directory`` any more."""
    locked = [] if is_free(directory) else ["a lock"]
    return [*processes(directory), *locked, *strays(directory), *links_to(directory)]


def expect_nothing(directory: Path) -> None:
    left: list[object] = []

    def is_clean() -> bool:
        left[:] = remains(directory)
        return not left

    try:
        wait_until(is_clean, "nothing of the server is left", 20)
    except AssertionError as error:
        raise AssertionError(f"{error}: {left}") from None


def test_users_that_are_killed_as_they_come_work_and_go_lose_no_increment_and_leave_nothing(
    directory: Path, tmp_path: Path
) -> None:
    """In two rounds on one directory.  The server and the keeper are killed in between, too."""
    drawn = chance("the crowd")
    users = amount(60, 600)
    acknowledged = 0
    for first in (0, users):
        gone = have_come(directory, tmp_path, drawn.randrange(1 << 32), first, users)
        acknowledged += sum(user.acknowledged for user in gone)
        ends = Counter(user.end for user in gone)
        assert min(ends["left"], ends["killed"]) > users / 6, ends
        # A keeper that was killed is replaced by whoever comes next, so that the server does not stay.
        last = EmbeddedServer.join(directory)
        with redis.Redis(unix_socket_path=str(last.socket)) as client:
            dump = read_dump(client, BOARD)
        last.close()
        history = History.load(*tmp_path.glob("user-*"))
        failed = [Violation("unharmed", f"user {user.number}: {user.failure}") for user in gone if user.failure]
        ((key, stored),) = dump.all_records().items()
        counted = parse_stored(key, stored).value
        if not counted == len(dump.log) >= acknowledged:
            sentence = f"{counted} was counted in {len(dump.log)} commits, and {acknowledged} acknowledged"
            failed.append(Violation("increments", sentence))
        hold(Run(history, dump), *failed)
        expect_nothing(directory)


def is_still_good(directory: Path) -> None:
    """Whoever comes next finds a server, is alone with it, and leaves nothing."""
    server = EmbeddedServer.join(directory)
    with redis.Redis(unix_socket_path=str(server.socket)) as client:
        assert client.ping()
    assert len(processes(directory, named="-server")) == len(processes(directory, named="keeper.py")) == 1
    server.close()
    expect_nothing(directory)


def test_a_user_killed_before_any_line_of_its_coming_and_going_leaves_nothing_running(
    directory: Path, steps: Steps
) -> None:
    """Whether the keeper was there already or not, and the server or not."""
    lines = int(steps.take("user", 0, directory / "whole"))
    assert lines > 100
    some = chance("user's lines").sample(range(1, lines + 1), amount(25, lines))
    for last in some:
        inside = directory / str(last)
        said = steps.take("user", last, inside)
        assert said == "killed" or last > lines / 2, (last, said)  # one that need not wait passes fewer lines
        wait_until(lambda: not processes(inside) and is_free(inside), "nothing runs", 20)  # noqa: B023
        is_still_good(inside)


def test_a_keeper_killed_before_any_line_of_its_own_is_replaced_by_the_next_user_and_stops_nothing_of_his(
    directory: Path, steps: Steps
) -> None:
    """One that is killed before it is on its own is replaced at once: once, its user was refused."""
    directory.mkdir(parents=True)
    for last in chance("keeper's lines").sample(range(1, KEEPERS_LINES), amount(12, KEEPERS_LINES - 1)):
        inside = directory / str(last)
        assert steps.take("keeper", last, inside) == "0"
        wait_until(lambda: not processes(inside, named="keeper.py"), "the keeper ended or was killed")  # noqa: B023
        is_still_good(inside)
