"""What a server's settings mean for what is promised: the findings of ``doctor``."""

from __future__ import annotations

import importlib.metadata
import platform
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeAlias

import redis.exceptions

from blackboard.audit import Auditor
from blackboard.board import Board
from blackboard.boards import list_boards
from blackboard.errors import Corrupt, NoBackend, NothingSelected, ServerRefused
from blackboard.server_binary import OLDEST, find_server

if TYPE_CHECKING:
    from collections.abc import Mapping

    from blackboard.backend import Backend

Verdict: TypeAlias = Literal["ok", "warn", "unverified", "broken"]

_RESTORE = "such a board is not written to any more; what an export holds can be read with 'blackboard replay'"
CONFIGURED = ("aof-load-truncated", "appendfsync", "appendonly", "maxmemory", "maxmemory-policy")


class Finding(NamedTuple):
    """One thing that was looked at; ``advice`` says what to do, and is empty where nothing is."""

    check: str
    verdict: Verdict
    found: str
    advice: str = ""


async def examine_server(backend: Backend) -> list[Finding]:
    """Findings about a server that answers.  Raises :class:`NoBackend` where it stops answering."""
    reached = Finding("server", "ok", f"{backend.version} at {backend.url}")
    if backend.kind == "memory":
        advice = "for what is to last, or to be watched from elsewhere: --url embedded:.blackboard"
        return [reached, Finding("durability", "warn", "memory: keeps nothing once this process ends", advice)]
    try:
        replication = await backend.client.info("replication")
        settings = await _settings(backend)
    except (redis.exceptions.ConnectionError, redis.exceptions.TimeoutError, OSError) as error:
        raise NoBackend(f"no answer from {backend.url}: {error}") from error
    confirmed = judge_replicas(backend.replicas, int(replication.get("connected_slaves", 0)))
    return [reached, judge_role(str(replication.get("role", ""))), *confirmed, *judge_settings(settings)]


async def _settings(backend: Backend) -> dict[str, str] | None:
    """The settings that promises depend on; ``None`` where the server does not tell."""
    told = {}
    for name in CONFIGURED:  # one by one, since 6.2 takes one
        try:
            answer: Mapping[Any, Any] = await backend.client.config_get(name)
        except redis.exceptions.ResponseError:  # forbidden, renamed, or another product's opinion: all mean "not told"
            return None
        told.update({_text(key): _text(value) for key, value in answer.items()})
    return told if set(CONFIGURED) <= set(told) else None


def _text(value: object) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def judge_role(role: str) -> Finding:
    """A replica refuses writes, and what it shows may be old."""
    if role == "master":
        return Finding("role", "ok", "primary")
    return Finding("role", "broken", role or "unknown", "a board is written on its primary: name that in --url")


def judge_replicas(wanted: int, connected: int) -> list[Finding]:
    """Whether as many replicas are there as a commit waits for; nothing to say where it waits for none."""
    if not wanted:
        return []
    found = f"a commit is acknowledged once {wanted} of {connected} connected have it"
    if connected >= wanted:
        return [Finding("replicas", "ok", f"{found}: it survives the primary if one of those is promoted")]
    return [Finding("replicas", "broken", found, "no commit is acknowledged: start a replica, or ask for fewer")]


def judge_settings(settings: Mapping[str, str] | None) -> list[Finding]:
    """What :data:`CONFIGURED` settings keep and lose; ``None``, where they are hidden, is never taken for good."""
    if settings is None:
        ask = "CONFIG is forbidden here: ask who runs the server for {}"
        return [
            Finding("appendonly", "unverified", "", ask.format("appendonly yes")),
            Finding("appendfsync", "unverified", "", ask.format("appendfsync everysec or always")),
            Finding("aof-load-truncated", "unverified", "", ask.format("aof-load-truncated no")),
            Finding("maxmemory-policy", "unverified", "", ask.format("maxmemory-policy noeviction")),
        ]
    return [
        _judge_appendonly(settings),
        _judge_appendfsync(settings),
        _judge_torn_end(settings),
        _judge_eviction(settings),
    ]


def _judge_appendonly(settings: Mapping[str, str]) -> Finding:
    if settings["appendonly"] == "yes":
        return Finding("appendonly", "ok", "yes: what is on disk survives a crash of the server")
    advice = "a crash loses all since the last snapshot: CONFIG SET appendonly yes"
    return Finding("appendonly", "warn", settings["appendonly"], advice)


def _judge_appendfsync(settings: Mapping[str, str]) -> Finding:
    value = settings["appendfsync"]
    if settings["appendonly"] != "yes":
        return Finding("appendfsync", "warn", f"{value}, without effect while appendonly is off", "see appendonly")
    if value == "always":
        return Finding("appendfsync", "ok", "always: a power loss loses no acknowledged commit")
    if value == "everysec":
        return Finding("appendfsync", "ok", "everysec: a power loss loses at most about 2 s")
    advice = "a power loss loses whatever the system had not written: CONFIG SET appendfsync everysec"
    return Finding("appendfsync", "warn", value, advice)


def _judge_torn_end(settings: Mapping[str, str]) -> Finding:
    value = settings["aof-load-truncated"]
    if settings["appendonly"] != "yes" or value == "no":
        return Finding("aof-load-truncated", "ok", f"{value}: the file's torn end is not taken for whole")
    advice = (
        "after a power loss half a commit may come back: CONFIG SET aof-load-truncated no, and redis-check-aof --fix"
    )
    return Finding("aof-load-truncated", "warn", value, advice)


def _judge_eviction(settings: Mapping[str, str]) -> Finding:
    value = settings["maxmemory-policy"]
    if value == "noeviction":
        return Finding("maxmemory-policy", "ok", "noeviction: a full server refuses, it does not forget")
    advice = "parts of boards are deleted when memory is full: CONFIG SET maxmemory-policy noeviction"
    if settings["maxmemory"] == "0":
        return Finding("maxmemory-policy", "warn", f"{value}, with no maxmemory yet", advice)
    return Finding("maxmemory-policy", "broken", f"{value} at {settings['maxmemory']} bytes", advice)


async def examine_boards(backend: Backend, name: str | None = None) -> list[Finding]:
    """What :class:`Auditor` finds on the board ``name``, or on each of the server.

    Raises :class:`NothingSelected` where there is no such board.
    """
    known = [meta.name for meta in await list_boards(backend)]
    if name is not None and name not in known:
        raise NothingSelected(f"no board {name!r} at {backend.url}")
    findings = []
    for each in sorted(known) if name is None else [name]:
        findings += await _examine_board(backend, each)
    return findings


async def _examine_board(backend: Backend, name: str) -> list[Finding]:
    check = f"board {name}"
    try:
        async with await Board.open(backend, name, create=False) as board:
            audit = await Auditor(board.store).audit()
    except (Corrupt, ServerRefused) as error:
        return [Finding(check, "broken", str(error), _RESTORE)]
    if audit.problem_count:
        more = audit.problem_count - len(audit.problems)
        rest = [Finding(check, "broken", f"and {more:,} more")] if more else []
        return [*(Finding(check, "broken", problem) for problem in audit.problems), *rest]
    since = f" after revision {audit.horizon:,}" if audit.horizon else ""
    found = (
        f"{audit.records:,} records and {audit.commits:,} commits{since}: every digest agrees, the log is the records"
    )
    moved = f"; {audit.moved:,} records changed meanwhile" if audit.moved else ""
    return [Finding(check, "ok", found + moved)]


def examine_installation() -> list[Finding]:
    """Findings about this Python and what is installed in it."""
    findings = [
        Finding("python", "ok", f"{platform.python_implementation()} {platform.python_version()}"),
        Finding("redis-py", "ok", importlib.metadata.version("redis")),
    ]
    try:
        findings.append(Finding("hiredis", "ok", importlib.metadata.version("hiredis")))
    except importlib.metadata.PackageNotFoundError:
        findings.append(Finding("hiredis", "warn", "not installed", "replies are parsed slowly: pip install hiredis"))
    return [*findings, _examine_binary()]


def _examine_binary() -> Finding:
    try:
        binary = find_server()
    except NoBackend as error:
        oldest = ".".join(map(str, OLDEST))
        return Finding("embedded server", "warn", f"no binary of {oldest} or newer", str(error))
    return Finding("embedded server", "ok", f"{binary.version}, {binary.path}")
