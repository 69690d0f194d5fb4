"""New inputs from old ones: the changes that fuzzers make, from one seeded source of chance."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

MAX_BYTES: Final = 1 << 21
"""twice what any reader takes, so that each sees what is too much"""
_ODD: Final = (
    b"\x00", b"\x7f", b"\x80", b"\xff", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x80\xa8", b"\xef\xbb\xbf",
    b"\r", b"\n", b"\r\n", b"\t", b"\x85", b"-0", b"1e999", b"18446744073709551616", b"-9223372036854775809", b"9" * 5000,
    b"NaN", b"1_0", "٣".encode(), b"''", b'""', b"\\", b"\x1b]52;c;\x07",
)  # fmt: skip


class Mutator:
    """Makes inputs out of those it is given; the same seed and the same ones give the same."""

    def __init__(self, chance: Random, words: Sequence[bytes]) -> None:
        self._chance = chance
        self._words = (*words, *_ODD)
        self._changes: tuple[Callable[[bytes, bytes], bytes], ...] = (
            self._flip, self._set_byte, self._insert_word, self._insert_word, self._replace_word, self._cut, self._cut,
            self._repeat, self._splice, self._splice, self._swap, self._number, self._nest, self._truncate,
        )  # fmt: skip

    def changed(self, data: bytes, other: bytes) -> bytes:
        """``data`` after one to eight changes, some of which take pieces of ``other``."""
        for _ in range(1 + int(self._chance.expovariate(0.7)) % 8):
            data = self._chance.choice(self._changes)(data, other)
        return data[:MAX_BYTES]

    def _at(self, data: bytes) -> int:
        return self._chance.randint(0, len(data))

    def _span(self, data: bytes) -> tuple[int, int]:
        start = self._at(data)
        return start, min(len(data), start + 1 + int(self._chance.expovariate(0.1)))

    def _flip(self, data: bytes, _other: bytes) -> bytes:
        if not data:
            return data
        at = self._chance.randrange(len(data))
        return data[:at] + bytes([data[at] ^ (1 << self._chance.randrange(8))]) + data[at + 1 :]

    def _set_byte(self, data: bytes, _other: bytes) -> bytes:
        at = self._at(data)
        return data[:at] + bytes([self._chance.randrange(256)]) + data[at + 1 :]

    def _insert_word(self, data: bytes, _other: bytes) -> bytes:
        at = self._at(data)
        return data[:at] + self._chance.choice(self._words) + data[at:]

    def _replace_word(self, data: bytes, _other: bytes) -> bytes:
        start, end = self._span(data)
        return data[:start] + self._chance.choice(self._words) + data[end:]

    def _cut(self, data: bytes, _other: bytes) -> bytes:
        start, end = self._span(data)
        return data[:start] + data[end:]

    def _repeat(self, data: bytes, _other: bytes) -> bytes:
        start, end = self._span(data)
        times = self._chance.choice((2, 3, 10, 70, 1000)) if self._chance.random() < 0.95 else 200_000
        return data[:start] + data[start:end] * min(times, MAX_BYTES // max(end - start, 1)) + data[end:]

    def _splice(self, data: bytes, other: bytes) -> bytes:
        start, end = self._span(other)
        into, until = self._span(data)
        return data[:into] + other[start:end] + data[until if self._chance.random() < 0.5 else into :]

    def _swap(self, data: bytes, _other: bytes) -> bytes:
        first, second = sorted((self._at(data), self._at(data)))
        third = self._chance.randint(second, len(data))
        return data[:first] + data[second:third] + data[first:second] + data[third:]

    def _number(self, data: bytes, _other: bytes) -> bytes:
        """Another number in the place of digits."""
        digits = [at for at, byte in enumerate(data[:4096]) if 48 <= byte <= 57]
        if not digits:
            return data
        at = self._chance.choice(digits)
        number = self._chance.choice((0, 1, -1, 63, 64, 2**31, 2**53, 2**63 - 1, 2**63, 2**64, 10**400))
        return data[:at] + b"%d" % number + data[at + 1 :]

    def _nest(self, data: bytes, _other: bytes) -> bytes:
        opening, closing = self._chance.choice(((b"[", b"]"), (b"{", b"}"), (b"(", b")"), (b"\x91", b""), (b"- ", b"")))
        depth = self._chance.choice((1, 2, 31, 33, 63, 65, 2000, 100_000))
        start, end = self._span(data)
        return data[:start] + opening * depth + data[start:end] + closing * depth + data[end:]

    def _truncate(self, data: bytes, _other: bytes) -> bytes:
        return data[: self._at(data)]
