"""The names of everything: boards, records, and the Redis keys that hold them.

No other module spells a Redis key.  All keys of a board share the hash tag ``{name}``,
so that they live in one slot of a cluster and one script may touch them all.
"""

from __future__ import annotations

import re

from blackboard.errors import InvalidName

MAX_KEY_BYTES = 512
CONTROL_REGION = "control"

_BOARD_NAME = re.compile(r"[A-Za-z0-9_.\-]{1,64}(?:@[0-9]{1,9})?\Z")
# A segment is any visible text without the characters that patterns and paths give a meaning to.
_KEY = re.compile(r"[^\s/{}*\\\x00-\x20\x7f-\x9f]+(?:/[^\s/{}*\\\x00-\x20\x7f-\x9f]+)*\Z")
_FORMAT_CHARACTERS = re.compile("[\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\uffff\ud800-\udfff]")


def check_board_name(name: str) -> str:
    """Return ``name`` if it is a board's name: 1 to 64 of ``A-Za-z0-9_.-``, then ``@run`` perhaps."""
    if not _BOARD_NAME.match(name):
        raise InvalidName(f"board name {name[:80]!r}: use 1 to 64 of A-Z a-z 0-9 _ . -, then @ and a number perhaps")
    return name


def check_key(key: str) -> str:
    """Return ``key`` if it names a record: segments of visible characters joined by ``/``.

    At most 512 bytes of UTF-8.  White space, control and invisible format characters and
    ``{ } * \\`` are refused, because patterns, terminals and scripts would read them otherwise.
    """
    if not _KEY.match(key) or (not key.isascii() and _FORMAT_CHARACTERS.search(key)):
        raise InvalidName(f"key {key[:80]!r}: segments of visible characters joined by '/', without {{ }} * \\")
    if len(key) > MAX_KEY_BYTES or len(key.encode()) > MAX_KEY_BYTES:
        raise InvalidName(f"key {key[:40]!r}…: longer than {MAX_KEY_BYTES} bytes")
    return key


def region_of(key: str) -> str:
    """The first segment of a record's key."""
    return key.partition("/")[0]


EVERY_META = "bb:{*}:meta"
"""The glob that finds the boards of a server, one key each."""


def board_of(meta_key: str) -> str:
    """The board's name in the key of its meta hash; raises :class:`InvalidName` for another key."""
    return check_board_name(meta_key.removeprefix("bb:{").removesuffix("}:meta"))


class BoardKeys:
    """The Redis keys of one board, each with the type and content that the design's table gives it."""

    __slots__ = ("agenda", "base", "expiries", "holds", "log", "meta", "name", "prefix", "regions", "revisions")

    def __init__(self, name: str) -> None:
        self.name = check_board_name(name)
        self.prefix = f"bb:{{{name}}}:"
        self.meta = self.prefix + "meta"
        """hash: format, epoch, revision, run_id, ``epoch:<n>`` = revision it began at, run id; horizon, horizon_ms, retention"""
        self.log = self.prefix + "log"
        """stream: id ``<epoch>-<revision>``, of every commit after the horizon"""
        self.base = self.prefix + "base"
        """hash: the records as they stood at the horizon, stored as records are"""
        self.holds = self.prefix + "holds"
        """hash: member → the revision after which it still needs the log, and a counter; ``snapshot:<name>`` too"""
        self.revisions = self.prefix + "revisions"
        """hash: record key → ``commit version digest``"""
        self.regions = self.prefix + "regions"
        """hash: region → last revision that changed it"""
        self.expiries = self.prefix + "expiries"
        """zset: record key by expiry time in ms"""
        self.agenda = self.prefix + "agenda"
        """string: the leader's bounded view of the agenda, for viewers"""

    def records(self, region: str) -> str:
        """hash: record key → ``epoch revision version time`` and the client's bytes."""
        return self.prefix + "records:" + region

    def session(self, session_id: str) -> str:
        """string: a writer's last sequences and outcomes."""
        return self.prefix + "session:" + session_id

    def once(self, key: str) -> str:
        """string with a TTL: payload digest and result of an idempotent commit."""
        return self.prefix + "once:" + key

    def alive(self, member: str) -> str:
        """string: a counter that the member raises while it lives; its name says which life of it that is."""
        return self.prefix + "alive:" + member

    def inbox(self, worker: str) -> str:
        """stream: dispatches for a worker."""
        return self.prefix + "inbox:" + worker
