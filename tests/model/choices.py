"""What a step can be about: few keys, so that commits meet; values that bytes, digests and predicates tell apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.model.model import Held

GuardChoice: TypeAlias = tuple[str, str, str]
"""kind, key or region, which commit or revision"""
WriteChoice: TypeAlias = tuple[str, str, int, int, str]
"""``put`` or ``delete``, key, number of the value, time to live in ms (0: none), status"""
CommitChoice: TypeAlias = tuple[tuple[GuardChoice, ...], tuple[WriteChoice, ...], str]
"""guards, writes, idempotency key or ``""``"""

AUTHORS: Final = ("ada", "bob", "cyd")
KEYS: Final = ("a/1", "a/2", "a/3", "b/1", "b/x/1", "c/ü")
REGIONS: Final = ("a", "b", "c")
STATUSES: Final = ("", "open")
ONCES: Final = ("o1", "o2", "ö 3", "o4", "o5", "o6", "o7", "o8")
CROWD: Final = tuple(f"tmp/{n:02}" for n in range(24))
"""more records than one call removes"""
HEAVY: Final = "x" * 30_000
"""three of these are more than a refusal shows"""
VALUES: Final[tuple[Any, ...]] = (
    1,
    2,
    True,
    1.0,
    None,
    "",
    "text é😀",
    {"n": 3, "s": "x"},
    {"s": "x", "n": 3},
    {"n": 5, "tags": ["a", "b"]},
    {"n": 5.5, "in": {"deep": None}},
    [1, [2, {"k": b"\x00\xff"}]],
    -(1 << 63),
    (1 << 53) + 1,
    [],
    {},
    HEAVY,
)
TTLS_MS: Final = (0, 0, 0, 50, 1000)
PASSES_MS: Final = (1, 49, 50, 999, 1000, 30_000)

WHICH: Final = ("present", "stale", "next", "other", "era")
SINCE: Final = ("now", "region", "before", "ahead", "head", "commit", "next", "gone")
GUARDS: Final[tuple[GuardChoice, ...]] = (
    *(("fits", key, "") for key in KEYS for _ in range(4)),
    *(("at", key, which) for key in KEYS for which in WHICH),
    *(("absent", key, "") for key in (*KEYS, CROWD[-1])),
    *(("present", key, "") for key in KEYS),
    *(("unchanged", region, since) for region in (*REGIONS, "tmp", "none") for since in SINCE),
    *(("previous", "", "") for _ in range(12)),
)
WRITES: Final[tuple[WriteChoice, ...]] = (
    *(
        ("put", key, value, ttl_ms, status)
        for value in range(len(VALUES))
        for key in KEYS
        for ttl_ms in TTLS_MS
        for status in STATUSES
    ),
    *(("put", CROWD[-1], value, 0, "") for value in range(len(VALUES))),
    *(("delete", key, 0, 0, "") for key in (*KEYS, CROWD[-1]) for _ in range(20)),
)


class PatternChoice(NamedTuple):
    """A pattern, the same in Python, and a key and value that it matches."""

    text: str
    matches: Callable[[Held], bool]
    key: str
    value: Any


def _field(held: Held, name: str) -> Any:
    return held.value.get(name) if isinstance(held.value, dict) else None


def _n(held: Held) -> float:
    """The number at ``n``, else 0."""
    return _field(held, "n") or 0


PATTERNS: Final = (
    PatternChoice("a/*", lambda held: held.key.startswith("a/"), "a/1", 7),
    PatternChoice("b/**", lambda held: held.key.startswith("b/"), "b/x/1", 7),
    PatternChoice("b/{x}", lambda held: held.key == "b/1", "b/1", 7),
    PatternChoice("c/ü", lambda held: held.key == "c/ü", "c/ü", 7),
    PatternChoice("a/{x} where n > 3", lambda held: held.key.startswith("a/") and _n(held) > 3, "a/3", {"n": 9}),
    PatternChoice(
        'b/** where s == "x" && n == 3',
        lambda held: held.key.startswith("b/") and _n(held) == 3 and _field(held, "s") == "x",
        "b/1",
        {"s": "x", "n": 3, "more": 1},
    ),
    PatternChoice(  # where there is no n, the first half is an error and the second decides
        'a/2 where !(n < 5) || s == "y"',
        lambda held: held.key == "a/2" and (_n(held) >= 5 or _field(held, "s") == "y"),
        "a/2",
        {"s": "y"},
    ),
    PatternChoice(
        'a/* where record.status == "open" && record.version > 1',
        lambda held: held.key.startswith("a/") and held.status == "open" and held.version > 1,
        "",
        None,
    ),
    PatternChoice("none/**", lambda held: held.key.startswith("none/"), "", None),
    PatternChoice("tmp/*", lambda held: held.key.startswith("tmp/"), "tmp/00", 7),
)
"""without a key: no single write makes a record that matches"""


def bump(value: Any) -> Any:
    """One more, where ``value`` is a small number; else 1."""
    return value + 1 if type(value) is int and 0 <= value < 1000 else 1


def same(value: Any) -> Any:
    """``value``."""
    return value


def fail(value: Any) -> Any:
    """Nothing: it raises."""
    raise RuntimeError(f"not of {str(value)[:40]}")


FUNCTIONS: Final[dict[str, Callable[[Any], Any]]] = {"bump": bump, "same": same, "fail": fail}
