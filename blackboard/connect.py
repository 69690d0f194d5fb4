"""From a URL to a connected backend."""

from __future__ import annotations

import asyncio
import importlib
import importlib.util
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import redis.asyncio
import redis.exceptions
from redis.asyncio.connection import ConnectionPool, parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from blackboard.address import Address
from blackboard.backend import CLIENT_NAME, CONNECT_TIMEOUT_S, SOCKET_TIMEOUT_S, Backend
from blackboard.embedded import EmbeddedServer
from blackboard.errors import NoBackend, UsageError
from blackboard.server_binary import OLDEST, Version
from blackboard.server_directory import ServerDirectory, directory_of
from blackboard.settings import Settings, check_setting, load_settings

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path


OPTIONS = frozenset(
    {
        "db",
        "username",
        "password",
        "protocol",
        "replicas",
        "ssl_ca_certs",
        "ssl_ca_path",
        "ssl_cert_reqs",
        "ssl_certfile",
        "ssl_check_hostname",
        "ssl_keyfile",
        "ssl_password",
    }
)
"""What may stand behind the ``?`` of a server's URL; retries and time-outs are not for choice."""


async def connect(url: str | None = None, *, settings: Settings | None = None) -> Backend:
    """Connect to the backend at ``url``, else to the one that ``settings`` name, else to the configured one.

    What the URL leaves open, such as the protocol, is as in ``settings``, else as configured.

    ``embedded:`` alone and ``embedded:.blackboard`` mean the nearest ``.blackboard`` at or above the
    working directory, or a new one in it.  The server has answered when this returns.
    Raises ``UsageError`` for a URL that means nothing, ``NoBackend`` where no server answers.
    """
    if settings is None:
        settings = Settings() if url == "memory:" else load_settings()  # no file says anything about that
    address = Address.parse(settings.url if url is None else url)
    if address.scheme in ("memory", "embedded") and int(settings.replicas):
        raise UsageError(f"replicas: {settings.replicas}: {address.shown()} has no replicas; use the URL of a server")
    if address.scheme == "memory":
        return _memory(address)
    if address.scheme == "embedded":
        return await _embedded(directory_of(address.rest), settings)
    return await _server(address, settings)


async def connect_to_running(settings: Settings) -> Backend:
    """As :func:`connect`, where a server runs by itself: a private one is neither started nor kept running by this.

    Nothing is made in its directory.  Raises ``NoBackend`` where none runs, and for ``memory:``, where none can.
    """
    address = Address.parse(settings.url)
    if address.scheme == "memory":
        raise NoBackend("memory: is inside of one process")
    if address.scheme != "embedded":
        return await _server(address, settings)
    directory = ServerDirectory(directory_of(address.rest).resolve())
    if not directory.is_ours():
        raise NoBackend(f"{directory.path} is no directory of this user")
    client = _client(_through(directory.socket, settings))
    try:
        version = _checked_version(await _server_info(client, address), address)
    except BaseException:
        await client.aclose()
        raise
    return Backend(f"embedded:{directory.path}", "embedded", client, str(version))


async def _embedded(path: Path, settings: Settings) -> Backend:
    joining = asyncio.ensure_future(asyncio.to_thread(EmbeddedServer.join, path, settings.fsync))
    try:
        embedded = await asyncio.shield(joining)
    except asyncio.CancelledError:
        # The thread goes on; what it holds in the end must be let go.
        joining.add_done_callback(_leave)
        raise
    client = _client(_through(embedded.socket, settings))
    return Backend(f"embedded:{embedded.path}", "embedded", client, str(embedded.version), embedded=embedded)


def _through(socket: Path, settings: Settings) -> dict[str, Any]:
    connection = redis.asyncio.UnixDomainSocketConnection
    return {"connection_class": connection, "path": str(socket), "protocol": int(settings.protocol)}


def _leave(joined: asyncio.Future[EmbeddedServer]) -> None:
    if not joined.cancelled() and joined.exception() is None:
        joined.result().close()


def _memory(address: Address) -> Backend:
    if address.rest:
        raise UsageError(f"{address.shown()}: memory: takes nothing after the colon")
    # Imported late: other backends do not need it, and it takes longer than all the rest.
    import fakeredis  # noqa: PLC0415

    client = fakeredis.FakeAsyncRedis(
        server=fakeredis.FakeServer(version=(7,)), protocol=2, decode_responses=False, client_name=CLIENT_NAME
    )
    return Backend("memory:", "memory", client, f"fakeredis {fakeredis.__version__}")


async def _server(address: Address, settings: Settings) -> Backend:
    options = _options(address, settings)
    replicas = options.pop("replicas")
    client = _client(options)
    try:
        info = await _server_info(client, address)
        version = _checked_version(info, address)
    except BaseException:
        await client.aclose()
        raise
    return Backend(address.shown(), "server", client, str(version), replicas=replicas)


def _options(address: Address, settings: Settings) -> dict[str, Any]:
    try:
        given = {name for name, _ in parse_qsl(urlsplit(address.url).query, keep_blank_values=True)}
        options = dict(parse_url(address.url))
    except ValueError as error:
        raise UsageError(f"{address.shown()} is not a server's URL: use {address.scheme}://HOST:PORT/DB") from error
    unknown = sorted(given - OPTIONS)
    if unknown:
        raise UsageError(f"{address.shown()}: no option {unknown[0]!r}; there are {', '.join(sorted(OPTIONS))}")
    for name, value in (("protocol", settings.protocol), ("replicas", settings.replicas)):
        text = str(options.get(name, value))
        check_setting(name, text, address.shown(), UsageError)
        options[name] = int(text)
    if address.scheme == "unix" and not options.get("path"):
        raise UsageError(f"{address.shown()}: no path; use unix:///PATH/TO/SOCKET")
    return options


def _client(options: Mapping[str, Any]) -> redis.asyncio.Redis:
    pool = ConnectionPool(
        **options,
        **_no_maintenance(),
        decode_responses=False,
        # The client would send a command again, up to ten times, when only its answer was lost.
        retry=Retry(NoBackoff(), 0),
        retry_on_error=[],
        retry_on_timeout=False,
        socket_timeout=SOCKET_TIMEOUT_S,
        socket_connect_timeout=CONNECT_TIMEOUT_S,
        health_check_interval=0,
        client_name=CLIENT_NAME,
    )
    return redis.asyncio.Redis.from_pool(pool)


def _no_maintenance() -> dict[str, Any]:
    """With RESP3 a newer client asks to be told of maintenance, and then moves and waits by itself: not ours."""
    if importlib.util.find_spec("redis.asyncio.maint_notifications") is None:
        return {}
    config: Any = importlib.import_module("redis.maint_notifications").MaintNotificationsConfig
    return {"maint_notifications_config": config(enabled=False)}


async def _server_info(client: redis.asyncio.Redis, address: Address) -> Mapping[str, Any]:
    try:
        info: Mapping[str, Any] = await client.info("server")
    except (redis.exceptions.RedisError, OSError) as error:
        raise NoBackend(_reason(error, address)) from error
    return info


def _reason(error: Exception, address: Address) -> str:
    """Why there is no backend at ``address``, and what to do."""
    shown = address.shown()
    # While it connects, the client wraps what the server said in an error of its own.
    for said in (error, error.__cause__):
        if isinstance(said, redis.exceptions.AuthenticationError):
            return f"{shown} refuses this user: {said}; give NAME:PASSWORD@ in the URL"
        if isinstance(said, redis.exceptions.BusyLoadingError):
            return f"{shown} is still loading its data; try again when it has"
    if isinstance(error, redis.exceptions.TimeoutError):
        return f"no answer from {shown} within {SOCKET_TIMEOUT_S:g} s"
    if isinstance(error, redis.exceptions.ResponseError):
        return f"{shown} refuses INFO, which tells a restart: {error}"
    return (
        f"no server answers at {shown}: {error}\n"
        "  start it, name another (--url redis://HOST:PORT), or use a private one: --url embedded:.blackboard"
    )


def _checked_version(info: Mapping[str, Any], address: Address) -> Version:
    product, text = "redis", str(info.get("redis_version", ""))
    if "valkey_version" in info:
        product, text = "valkey", str(info["valkey_version"])
    version = Version.parse(f"{product} {text}")
    if version is None or version[1:3] < OLDEST:
        raise NoBackend(f"{address.shown()} is {product} {text or '?'}; {OLDEST[0]}.{OLDEST[1]} or newer is needed")
    mode = info.get("redis_mode", info.get("server_mode", "standalone"))
    if mode != "standalone":
        raise NoBackend(f"{address.shown()} is a {mode} node, which is not supported yet; name a standalone server")
    return version
