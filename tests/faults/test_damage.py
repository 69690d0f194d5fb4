"""A board whose keys somebody else has written to: it is told by name, or harmless, and nobody waits or spins for it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.board import Board
from blackboard.cli import main
from blackboard.commit import Put, Unchanged
from blackboard.errors import BlackboardError, Corrupt, Gap, HistoryLost
from blackboard.keys import BoardKeys
from tests.faults.damage import DAMAGE, commands, do
from tests.running import finish, start_run

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from pathlib import Path

    from blackboard.record import Record
    from tests.conftest import RedisServer

PATIENCE_S = 10.0
HARMLESS = {
    "a format that nobody knows", "sessions deleted", "sessions of another type", "sessions that are none",
    "agenda of another type", "control records deleted", "control records of another type",
}  # fmt: skip
"""to a board without agents; a format is looked at by new connections alone"""
NAMED = {
    "meta": ":meta", "a revision": ":meta", "an epoch": "meta", "a horizon": ":meta", "log": ":log",
    "revisions": ":revisions", "a commit": ":revisions", "regions": ":regions", "a region": ":regions",
    "records": ":records:item", "a record": "item/1", "a bit": "item/1", "expiries": "", "holds": ":holds",
    "base": ":base",
}  # fmt: skip
"""what the error names, by the beginning of the damage"""


def operations(board: Board, known: dict[int, Record], revision: int) -> dict[str, Callable[[], Awaitable[object]]]:
    """Everything that a user does, each on a board that may be damaged."""

    async def value() -> object:
        record = await board.get("item/1")
        return record.value if record is not None else None

    async def caught_up() -> None:
        await (await board.replica()).caught_up(await board.revision())

    async def open_anew() -> None:
        async with await Board.open(board.backend, board.name) as other:
            await other.replica()

    async def first_change() -> object:
        changes = board.changes()
        try:
            return await anext(changes)
        finally:
            await changes.aclose()  # type: ignore[attr-defined]  # it is a generator

    return {
        "get": value,
        "find": lambda: board.find("item/*"),
        "create": lambda: board.create("item/1", 1),
        "replace": lambda: board.replace(known[1], 9),
        "create what has ended": lambda: board.create("brief/1", 1),
        "commit": lambda: board.commit([Unchanged("item", revision)], [Put("other/1", 1)]),
        "mutate": lambda: board.mutate("item/1", lambda n: (n or 0) + 1),
        "put": lambda: board.put("new/1", 1),
        "delete": lambda: board.delete("item/2"),
        "changes": first_change,
        "history": lambda: board.history("item/1"),
        "at": lambda: board.at(3),
        "revision": board.revision,
        "open": open_anew,
        "caught up": caught_up,
    }


@pytest.mark.parametrize("kind", DAMAGE)
async def test_whatever_is_done_to_an_open_board_every_call_ends_and_damage_is_named(
    kind: str, redis_url: str, board_name: str, redis_server: RedisServer
) -> None:
    """Deleting the revisions or the regions made callers try again for ever, and a deleted log was written to."""
    async with await Board.open(redis_url, board_name) as board:
        known = {n: await board.put(f"item/{n}", n) for n in range(5)}
        await board.put("brief/1", 1, ttl_ms=1)
        revision = await board.revision()
        await board.replica()
        await asyncio.sleep(0.01)  # until that one's time is over
        with redis_server.client() as client:
            do(kind, client, board.store.keys)
        told: dict[str, str] = {}
        for name, operation in operations(board, known, revision).items():
            try:
                async with asyncio.timeout(PATIENCE_S):
                    await operation()
            except BlackboardError as error:
                told[name] = f"{type(error).__name__}: {error}"
    errors = " | ".join(text for text in told.values() if text.startswith((Corrupt.__name__, Gap.__name__)))
    if kind == "everything deleted":
        assert any(text.startswith(HistoryLost.__name__) for text in told.values())
    elif kind not in HARMLESS:
        named = next(name for beginning, name in NAMED.items() if kind.startswith(beginning))
        assert errors, told
        assert named in errors, told


async def test_a_board_works_again_when_the_damage_is_undone(board: Board, redis_server: RedisServer) -> None:
    await board.put("item/1", 1)
    replica = await board.replica()
    with redis_server.client() as client:
        for key in (board.store.keys.revisions, board.store.keys.log, board.store.keys.meta):
            client.rename(key, key + ":aside")
            with pytest.raises(Corrupt):
                await board.commit([], [Put("item/1", 2)])
            client.delete(key)
            client.rename(key + ":aside", key)
            done = await board.put("item/1", key)
            await replica.caught_up(done.revision)


SCENARIO = """
version: 1
case: item/{n}
input: items.jsonl
max_running: 4
agents:
  worker: {use: "./agents.py:worker", retry: {attempts: 3, backoff: 10ms}}
  adder: {use: "./agents.py:adder"}
  last: {use: "./agents.py:last"}
limits: {run: {time: 40s}}
"""
AGENTS = """
import asyncio
import json
from pathlib import Path
from typing import Any

import redis

from knowledge_sources import Context, knowledge_source


def do_damage() -> None:
    about = json.loads(Path(__file__).with_name("damage.json").read_text())
    with redis.Redis(unix_socket_path=about["socket"]) as client:
        for command in about["commands"]:
            client.execute_command(*command)


@knowledge_source(watches={"item": "item/{n}"}, contributes="done/{n}")
async def worker(item: Any) -> Any:
    await asyncio.sleep(0.01)
    if item["v"] == 7:
        do_damage()
    return {"v": item["v"]}


@knowledge_source(watches={"done": "done/{n}"}, contributes=["sum/{n}", "total/all"])
async def adder(done: Any, ctx: Context) -> Any:
    ctx.update("total/all", lambda n: (n or 0) + done["v"])
    return {f"sum/{ctx.captures['n']}": done["v"]}


@knowledge_source(watches={"sum": "sum/{n}"}, unless="stop/*", contributes="last/{n}")
async def last(sum: Any) -> Any:
    return sum
"""
ITEMS = 24
FINISHED = {"none", "a commit that is none", "a commit of something else", "a record deleted", "a record that is none",
            "a bit of a value", "a bit of a record's commit", "expiries deleted"} | HARMLESS - {
            "control records deleted", "control records of another type"}  # fmt: skip
"""damage that a run may not meet, because it asks for nothing that was damaged any more"""


@pytest.mark.parametrize("kind", ["none", *DAMAGE])
def test_a_run_whose_board_is_damaged_ends_and_says_what_is_wrong(
    kind: str, tmp_path: Path, redis_server: RedisServer, board_name: str
) -> None:
    """Without revisions, regions or control records a run fired the same agents for ever, past its time limit."""
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    (tmp_path / "agents.py").write_text(AGENTS)
    (tmp_path / "items.jsonl").write_text("".join(f'{{"n": "{n}", "v": {n}}}\n' for n in range(ITEMS)))
    done = commands(kind, BoardKeys(board_name)) if kind != "none" else []
    (tmp_path / "damage.json").write_text(json.dumps({"socket": str(redis_server.socket), "commands": done}))
    code, _, error = finish(start_run(redis_server.url, str(tmp_path), "--board", board_name, "-q"))
    assert code == 0 if kind in FINISHED else code in (0, 4), error
    assert "internal error" not in error
    assert "Traceback" not in error
    if code == 4:
        assert "blackboard: " in error, error


async def test_a_run_that_waits_for_work_is_told_of_damage_to_its_log(
    tmp_path: Path, redis_server: RedisServer, board_name: str
) -> None:
    """It followed a log that was none any more, and would have waited for ever."""
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    (tmp_path / "agents.py").write_text(AGENTS)
    (tmp_path / "items.jsonl").write_text('{"n": "1", "v": 1}\n')
    run = start_run(redis_server.url, str(tmp_path), "--board", board_name, "--stay")
    try:
        async with await Board.open(redis_server.url, board_name) as board:
            await board.wait_for("last/1", 30)
        with redis_server.client() as client:
            do("log of another type", client, BoardKeys(board_name))
        code, _, error = await asyncio.to_thread(finish, run)
    finally:
        with contextlib.suppress(ProcessLookupError):
            run.kill()
    assert (code, ":log" in error) == (4, True), error


# -- records under control/ that the runtime does not write --------------------------------

BAD_VALUES: dict[str, Any] = {
    "a number": 7,
    "a list": [1],
    "an empty mapping": {},
    "fields of another type": {"state": 1, "status": [], "agent": {}, "member": 5, "triggers": [["x"]], "name": 3},
}
CONTROL_KEYS = (
    "control/run", "control/leader", "control/agents/x", "control/activations/x", "control/attention/overdue/x",
    "control/overrides/x", "control/escalations/x", "control/progress/x", "control/events/0", "control/other/x",
)  # fmt: skip
READERS = (
    "boards", "ls", "agents", "agents info clerk", "escalations", "escalations list --all", "report", "why answer/R-1",
    "why --case return/R-2", "watch -o json", "watch --until-end -o jsonl", "doctor",
)  # fmt: skip


@pytest.fixture
def finished_run(redis_server: RedisServer, board_name: str, capsys: pytest.CaptureFixture[str]) -> list[str]:
    """``--url … --board …`` of a board with a run that waits for a person."""
    target = ["--url", redis_server.url, "--board", board_name]
    assert main(["run", "first_agent", "-q", *target]) == 0
    capsys.readouterr()
    return target


@pytest.mark.parametrize("value", BAD_VALUES)
def test_control_records_of_a_wrong_shape_are_named_and_break_no_command(
    value: str, finished_run: list[str], capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    """Each of these commands ended with an internal error."""
    url = finished_run[1]

    async def plant() -> None:
        async with await Board.open(url, finished_run[3]) as board:
            for key in CONTROL_KEYS:
                await board.put(key, BAD_VALUES[value])

    asyncio.run(plant())
    for words in READERS:
        command = words.split()
        target = finished_run if command[0] not in ("boards", "doctor") else finished_run[:2]
        code = main([*command, *target])
        shown = capsys.readouterr()
        assert code in (0, 3, 4), (words, shown.err)
        assert "internal error" not in shown.err, words
        assert code == 0 or "control/" in shown.err, (words, shown.err)
    assert "control/activations/x" in caplog.text
    assert "control/escalations/x" in caplog.text
    code = main(["run", "first_agent", "--resume", "-q", *finished_run])
    assert code == 4
    assert "control/" in capsys.readouterr().err


async def test_a_control_record_that_others_wrote_wrongly_ends_a_run_with_its_name(
    tmp_path: Path, redis_server: RedisServer, board_name: str
) -> None:
    (tmp_path / "scenario.yaml").write_text(SCENARIO)
    (tmp_path / "agents.py").write_text(AGENTS)
    (tmp_path / "items.jsonl").write_text('{"n": "1", "v": 1}\n')
    run = start_run(redis_server.url, str(tmp_path), "--board", board_name, "--stay")
    try:
        async with await Board.open(redis_server.url, board_name) as board:
            await board.wait_for("last/1", 30)
            await board.put("control/overrides/x", {"verb": "cancel"})
        code, _, error = await asyncio.to_thread(finish, run)
    finally:
        with contextlib.suppress(ProcessLookupError):
            run.kill()
    assert (code, "'control/overrides/x'" in error) == (4, True), error


@pytest.mark.parametrize(
    "kind", ["meta of another type", "meta deleted", "a revision that is no number", "log deleted"]
)
def test_a_damaged_board_is_listed_as_such_beside_the_others_and_can_be_removed(
    kind: str, finished_run: list[str], redis_server: RedisServer, capsys: pytest.CaptureFixture[str]
) -> None:
    """One of them kept all the others from being listed."""
    name, server = finished_run[3], finished_run[:2]
    with redis_server.client() as client:
        do(kind, client, BoardKeys(name))
    assert main(["boards", *server, "-o", "json"]) in ((5,) if kind == "meta deleted" else (0,))
    listed = json.loads(capsys.readouterr().out or "[]")
    if kind in ("meta of another type", "a revision that is no number"):
        assert [bool(board["damage"]) for board in listed] == [True]
    assert main(["boards", "remove", name, "--yes", *server]) == 0
    assert redis_server.keys(f"bb:{{{name}}}:*") == []


def test_a_record_under_a_key_that_no_command_takes_goes_with_its_board(
    finished_run: list[str], redis_server: RedisServer
) -> None:
    keys = BoardKeys(finished_run[3])
    with redis_server.client() as client:
        client.hset(keys.records("item"), "item/ \x1b[31m*{}", b"1 1 1 1 x")
        client.hset(keys.regions, "item", 1)
    assert main(["boards", "remove", finished_run[3], "--yes", *finished_run[:2]]) == 0
    assert redis_server.keys(f"{keys.prefix}*") == []


async def test_nothing_is_taken_for_absent_because_its_commits_or_regions_were_deleted(
    board: Board, redis_url: str, redis_server: RedisServer
) -> None:
    """A record could be made a second time, its removal was done by doing nothing, and a new reader saw no records."""
    await board.put("item/1", 1)
    keys = board.store.keys
    with redis_server.client() as client:
        client.delete(keys.revisions)
        for refused in (board.create("item/1", 2), board.delete("item/1"), board.put("item/2", 2)):
            with pytest.raises(Corrupt, match=":revisions does not hold the commits of"):
                await refused
        client.delete(keys.regions)
        async with await Board.open(redis_url, board.name) as reader:
            with pytest.raises(Corrupt, match=":regions is empty, though there are commits"):
                await reader.replica()
