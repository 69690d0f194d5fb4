"""Ways to make a server refuse, each for as long as a block lasts."""

from __future__ import annotations

import asyncio
import contextlib
from typing import TYPE_CHECKING

import redis

from blackboard.ending import end
from tests.waiting import eventually

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from contextlib import AbstractAsyncContextManager

    from tests.own_server import OwnServer

USER = ("ACL", "SETUSER", "app")
_A_COMMAND = b"*3\r\n$3\r\nSET\r\n$1\r\np\r\n$1\r\n1\r\n"


def tell(client: redis.Redis, *words: str) -> None:
    """Send a command that the client has no method for."""
    client.execute_command(*words)  # type: ignore[no-untyped-call]


@contextlib.asynccontextmanager
async def flushing(_: OwnServer, client: redis.Redis) -> AsyncIterator[None]:
    """The scripts are forgotten all the time."""

    async def flush() -> None:
        while True:
            client.script_flush()
            await asyncio.sleep(0.003)

    task = asyncio.create_task(flush())
    try:
        yield
    finally:
        await end(task)


@contextlib.asynccontextmanager
async def loading(server: OwnServer, client: redis.Redis) -> AsyncIterator[None]:
    """It comes back with much to load."""
    server.kill()
    newest = [path for path in server.stored() if path.suffix == ".aof"][-1]
    with newest.open("ab") as file:
        file.write(_A_COMMAND * 250_000)
    # In a thread that lives on: the server ends with the one that started it.
    starting = asyncio.create_task(asyncio.to_thread(server.start))
    await eventually(lambda: is_loading(client), "it loads")
    try:
        yield
    finally:
        await starting
        client.delete("p")
        client.bgrewriteaof()  # or the next time there would be more to load
        await eventually(lambda: not client.info("persistence")["aof_rewrite_in_progress"], "the file is rewritten")


def is_loading(client: redis.Redis) -> bool:
    with contextlib.suppress(redis.RedisError):
        return bool(client.info("persistence")["loading"])
    return False


@contextlib.asynccontextmanager
async def busy(server: OwnServer, client: redis.Redis) -> AsyncIterator[None]:
    """Somebody's script does not end."""
    client.config_set("lua-time-limit", 1)
    looping = asyncio.create_task(asyncio.to_thread(loop_for_ever, server))
    await eventually(lambda: says(client, "BUSY"), "a script runs for too long")
    try:
        yield
    finally:
        client.script_kill()
        await looping


def loop_for_ever(server: OwnServer) -> None:
    with server.client() as client, contextlib.suppress(redis.RedisError):
        client.eval("while true do end", 0)


def says(client: redis.Redis, code: str) -> bool:
    try:
        client.ping()
    except redis.RedisError as error:
        return code in str(error)
    return False


@contextlib.asynccontextmanager
async def full_of_clients(_: OwnServer, client: redis.Redis) -> AsyncIterator[None]:
    """No new connection is taken, and the old ones are gone."""
    client.config_set("maxclients", 1)
    tell(client, "CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
    try:
        yield
    finally:
        client.config_set("maxclients", 1000)


@contextlib.asynccontextmanager
async def locked_out(_: OwnServer, client: redis.Redis) -> AsyncIterator[None]:
    """The password is another, and the connections are gone."""
    tell(client, *USER, "resetpass", ">other")
    tell(client, "CLIENT", "KILL", "USER", "app")
    try:
        yield
    finally:
        tell(client, *USER, "resetpass", ">secret")


def setting(name: str, during: str) -> Callable[[OwnServer, redis.Redis], AbstractAsyncContextManager[None]]:
    """A setting is ``during``, and then 0 again."""

    @contextlib.asynccontextmanager
    async def changed(_: OwnServer, client: redis.Redis) -> AsyncIterator[None]:
        client.config_set(name, during)
        try:
            yield
        finally:
            client.config_set(name, "0")

    return changed


def order(
    *during: str, after: tuple[str, ...]
) -> Callable[[OwnServer, redis.Redis], AbstractAsyncContextManager[None]]:
    """A command makes the server refuse, and another makes it take again."""

    @contextlib.asynccontextmanager
    async def given(_: OwnServer, client: redis.Redis) -> AsyncIterator[None]:
        tell(client, *during)
        try:
            yield
        finally:
            tell(client, *after)

    return given
