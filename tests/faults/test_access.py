"""Users, passwords and TLS: what a board needs is enough, and what is refused is said before anything is written."""

from __future__ import annotations

import asyncio
import re
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from blackboard.board import Board
from blackboard.cli import main
from blackboard.errors import NoBackend, ServerRefused
from blackboard.server_binary import find_server
from tests.consistency import check_consistent
from tests.faults.refusing import USER, tell
from tests.own_server import OwnServer
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator

    import redis

    from blackboard.server_binary import ServerBinary

DOCUMENTED = Path(__file__).parents[2] / "docs" / "errors.md"


@pytest.fixture
def server() -> Iterator[OwnServer]:
    """A server that loses nothing."""
    with OwnServer("--appendfsync", "always") as own:
        yield own


@pytest.fixture
def client(server: OwnServer) -> Iterator[redis.Redis]:
    """An operator's connection to it."""
    with server.client() as opened:
        yield opened


def documented_rules() -> list[str]:
    """What follows ``ACL SETUSER app`` in the documentation."""
    (found,) = re.findall(r"^ACL SETUSER app ((?:.*\\\n)*.*)$", DOCUMENTED.read_text(), re.MULTILINE)
    return str(found).replace("\\\n", " ").replace("PASSWORD", "secret").split()


def as_user(server: OwnServer, name: str = "app", password: str = "secret") -> str:
    return server.url.replace("unix://", f"unix://{name}:{password}@")


async def test_the_documented_rules_are_enough_for_everything_and_give_nothing_else(
    server: OwnServer, client: redis.Redis, board_name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tell(client, *USER, *documented_rules())
    url = as_user(server)
    async with await Board.open(url, board_name) as board:
        replica = await board.replica()
        first = await board.create("a/1", 1, once="first")
        await board.put("a/2", 2, ttl_ms=1)
        await board.replace(first, 2)
        await board.mutate("a/1", lambda n: n + 1)
        await board.delete("a/1")
        await board.sweep()
        await board.snapshot("before")
        await replica.caught_up(await board.revision())
        assert await board.history("a/1")
        assert await board.trim(2)
    run = [
        ["run", "first_agent", "-q"],
        ["boards"],
        ["ls"],
        ["why", "answer/R-1"],
        ["report"],
        ["agents"],
        ["doctor"],
    ]
    for words in [*run, ["watch", "--until-end", "-o", "jsonl"], ["boards", "remove", board_name, "--yes"]]:
        code = await asyncio.to_thread(main, [*words, "--url", url])
        assert code == 0, (words, capsys.readouterr())
    with server.client() as other:
        tell(other, "AUTH", "app", "secret")
        for words in (["GET", "other"], ["FLUSHALL"], ["CONFIG", "SET", "maxmemory", "1"], ["KEYS", "*"]):
            with pytest.raises(Exception, match="permissions"):
                tell(other, *words)


LACKING = ("hset", "hdel", "xadd", "zadd", "zrem", "hmget", "exists", "set", "evalsha", "script|load", "xrevrange")


@pytest.mark.parametrize("command", LACKING)
async def test_a_user_who_lacks_a_part_of_what_a_commit_does_is_refused_before_it_leaves_halves(
    command: str, server: OwnServer, client: redis.Redis, board_name: str
) -> None:
    """A user without XADD could open a board, and its first commit was applied by halves: the board was lost."""
    async with await Board.open(server.url, board_name) as board:
        await board.put("a/1", 1)
        rules = [rule for rule in documented_rules() if rule != f"+{command}"]
        assert len(rules) == len(documented_rules()) - 1
        client.script_flush()
        tell(client, *USER, *rules)
        with pytest.raises((ServerRefused, NoBackend), match=r"NOPERM|can't run|no permissions"):
            await Board.open(as_user(server), board_name)
        assert (await board.put("a/1", 2)).revision == 2
        assert check_consistent(client, board_name) == 2


async def test_a_wrong_password_and_a_missing_one_are_told_at_opening_without_the_password(
    server: OwnServer, client: redis.Redis, board_name: str
) -> None:
    tell(client, *USER, *documented_rules())
    with pytest.raises(NoBackend, match="refuses this user") as refused:
        await Board.open(as_user(server, password="guessed"), board_name)
    assert "guessed" not in str(refused.value)
    client.config_set("requirepass", "secret")
    with pytest.raises(NoBackend, match="refuses this user"):
        await Board.open(server.url, board_name)
    async with await Board.open(as_user(server), board_name) as board:
        assert (await board.put("a/1", 1)).revision == 1


async def test_a_user_that_is_switched_off_and_on_again_costs_a_board_nothing_but_the_calls_meanwhile(
    server: OwnServer, client: redis.Redis, board_name: str
) -> None:
    """Half a minute passed before a caller was told."""
    tell(client, *USER, *documented_rules())
    async with await Board.open(as_user(server), board_name) as board:
        replica = await board.replica()
        await board.put("a/1", 1)
        tell(client, *USER, "off")
        tell(client, "CLIENT", "KILL", "USER", "app")
        await eventually(lambda: board.store._writer is None, "the broken connection is seen")
        started = time.monotonic()
        for call in (board.put("a/1", 2), board.get("a/1")):
            with pytest.raises(ServerRefused, match="WRONGPASS"):
                await call
        assert time.monotonic() - started < board.store.give_up_after_s / 5
        tell(client, *USER, "on")
        done = await board.put("a/1", 3)
        await replica.caught_up(done.revision)
        assert check_consistent(client, board_name) == done.revision == 2


# -- TLS ------------------------------------------------------------------------------------


class Papers:
    """A certificate authority of one's own, and a server's certificate and key for ``localhost``."""

    def __init__(self, directory: Path) -> None:
        self.authority, self.certificate, self.key = (directory / name for name in ("ca.crt", "own.crt", "own.key"))
        authority_key, request, names = (directory / name for name in ("ca.key", "own.csr", "names"))
        names.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        new = "openssl req -newkey rsa:2048 -nodes -sha256"
        sign = "openssl x509 -req -days 2 -CAcreateserial"
        for command in (
            f"{new} -x509 -days 2 -subj /CN=authority -keyout {authority_key} -out {self.authority}",
            f"{new} -subj /CN=localhost -keyout {self.key} -out {request}",
            f"{sign} -extfile {names} -in {request} -CA {self.authority} -CAkey {authority_key} -out {self.certificate}",
        ):
            subprocess.run(command.split(), check=True, capture_output=True)


@pytest.fixture
def tls_port() -> int:
    """A port that was free a moment ago."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@pytest.fixture
def papers(tmp_path: Path) -> Papers:
    """Needs openssl on the PATH."""
    if shutil.which("openssl") is None:
        pytest.skip("there is no openssl here to make certificates with")
    return Papers(tmp_path)


@pytest.fixture
def tls_binary() -> ServerBinary:
    """The server, where it was built with TLS: then it misses the certificate that is not there, else the setting."""
    binary = find_server()
    command = [str(binary.path), "--port", "0", "--tls-port", "1", "--tls-cert-file", "/nowhere"]
    said = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    if "Bad directive" in said.stdout + said.stderr:
        pytest.skip(f"{binary.path} ({binary.version}) was built without TLS")
    return binary


@pytest.fixture
def tls_server(tls_binary: ServerBinary, papers: Papers, tls_port: int) -> Iterator[OwnServer]:
    """A server that speaks TLS on ``tls_port``."""
    settings = [
        "--tls-port", str(tls_port), "--tls-cert-file", str(papers.certificate), "--tls-key-file", str(papers.key),
        "--tls-ca-cert-file", str(papers.authority), "--tls-auth-clients", "no",
    ]  # fmt: skip
    with OwnServer(*settings) as server:
        yield server


async def test_a_board_is_written_and_followed_over_tls_and_a_stranger_is_refused(
    tls_server: OwnServer, papers: Papers, tls_port: int, board_name: str
) -> None:
    url = f"rediss://localhost:{tls_port}"
    async with await Board.open(f"{url}?ssl_ca_certs={papers.authority}", board_name) as board:
        replica = await board.replica()
        records = await asyncio.gather(*(board.put(f"a/{n}", "x" * n) for n in range(300)))
        await replica.caught_up(300)
        assert len(replica.records()) == len(records)
        with tls_server.client() as client:
            tell(client, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            assert (await board.replace(records[0], 1)).revision == 301
            assert check_consistent(client, board_name) == 301
    with pytest.raises(NoBackend, match="certificate"):
        await Board.open(url, board_name)  # an authority that nobody here trusts
    with pytest.raises(NoBackend):
        await Board.open(f"redis://localhost:{tls_port}", board_name)
