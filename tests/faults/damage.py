"""What somebody with credentials can do to the keys of a board, as commands of Redis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    import redis

    from blackboard.keys import BoardKeys

Command: TypeAlias = tuple[str, ...]
"""``@meta`` and the like stand for the key of the board with that name"""

_EVERY: Final = "for _, key in ipairs(redis.call('KEYS', ARGV[1])) do redis.call({}) end"
_FLIP: Final = """
local stored = redis.call('HGET', KEYS[1], ARGV[1])
local at = {}
redis.call('HSET', KEYS[1], ARGV[1], stored:sub(1, at - 1) .. string.char(stored:byte(at) + 1) .. stored:sub(at + 1))
"""


def _other_type(name: str) -> list[Command]:
    return [("DEL", name), ("RPUSH" if name != "@session" else "SADD", name, "x")]


def _sessions(command: str) -> list[Command]:
    return [("EVAL", _EVERY.format(command), "0", "@session:*")]


DAMAGE: Final[dict[str, list[Command]]] = {
    "meta deleted": [("DEL", "@meta")],
    "meta of another type": _other_type("@meta"),
    "meta without a revision": [("HDEL", "@meta", "revision")],
    "a revision that is no number": [("HSET", "@meta", "revision", "rubbish")],
    "a revision that is too high": [("HINCRBY", "@meta", "revision", "100")],
    "a revision that is too low": [("HINCRBY", "@meta", "revision", "-2")],
    "an epoch that is no number": [("HSET", "@meta", "epoch", "rubbish")],
    "a format that nobody knows": [("HSET", "@meta", "format", "rubbish")],
    "a horizon that is no number": [("HSET", "@meta", "horizon", "rubbish")],
    "log deleted": [("DEL", "@log")],
    "log of another type": _other_type("@log"),
    "log trimmed to nothing": [("XTRIM", "@log", "MAXLEN", "0")],
    "log trimmed": [("XTRIM", "@log", "MAXLEN", "2")],
    "log without an entry": [("XDEL", "@log", "1-3")],
    "revisions deleted": [("DEL", "@revisions")],
    "revisions of another type": _other_type("@revisions"),
    "a commit that is none": [("HSET", "@revisions", "item/1", "rubbish")],
    "a commit of something else": [("HSET", "@revisions", "item/1", "1-1 1 00")],
    "a commit missing": [("HDEL", "@revisions", "item/1")],
    "regions deleted": [("DEL", "@regions")],
    "regions of another type": _other_type("@regions"),
    "a region's revision that is no number": [("HSET", "@regions", "item", "rubbish")],
    "a region missing": [("HDEL", "@regions", "item")],
    "records deleted": [("DEL", "@records:item")],
    "records of another type": _other_type("@records:item"),
    "a record deleted": [("HDEL", "@records:item", "item/1")],
    "a record that is none": [("HSET", "@records:item", "item/1", "rubbish")],
    "a bit of a value": [("EVAL", _FLIP.format("#stored"), "1", "@records:item", "item/1")],
    "a bit of a record's commit": [("EVAL", _FLIP.format("stored:find(' ') + 1"), "1", "@records:item", "item/1")],
    "control records deleted": [("DEL", "@records:control")],
    "control records of another type": _other_type("@records:control"),
    "expiries deleted": [("DEL", "@expiries")],
    "expiries of another type": _other_type("@expiries"),
    "sessions deleted": _sessions("'DEL', key"),
    "sessions of another type": _sessions("'DEL', key) redis.call('RPUSH', key, 'x'"),
    "sessions that are none": _sessions("'SET', key, 'rubbish'"),
    "holds of another type": _other_type("@holds"),
    "base of another type": _other_type("@base"),
    "agenda of another type": _other_type("@agenda"),
    "everything deleted": [("EVAL", _EVERY.format("'DEL', key"), "0", "@*")],
}


def commands(kind: str, keys: BoardKeys) -> list[Command]:
    """The damage ``kind`` to the board with ``keys``."""
    return [tuple(keys.prefix + word[1:] if word[:1] == "@" else word for word in one) for one in DAMAGE[kind]]


def do(kind: str, client: redis.Redis, keys: BoardKeys) -> None:
    """Damage the board with ``keys``."""
    for command in commands(kind, keys):
        client.execute_command(*command)  # type: ignore[no-untyped-call]
