"""Entries over their agent's token budget: they wait, on no agenda, for the digests that bring them within it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from knowledge_sources.tokens import Shortage, fit

if TYPE_CHECKING:
    from controller.entry import Entry
    from controller.ground import Ground


class Undigested:
    """Who waits for which digest.  Empty, and asked for nothing, where no agent has a token budget."""

    def __init__(self, ground: Ground) -> None:
        self.waiting: dict[str, tuple[Entry, Shortage]] = {}
        """by activation"""
        self._ground = ground
        self._by_key: dict[str, dict[str, None]] = {}

    def hold(self, entry: Entry, budget: int) -> bool:
        """Whether ``entry`` is over ``budget``, so that it waits here."""
        found = fit(entry.triggers, budget, self._ground.replica.get, self._ground.settings.token_counter)
        self.remove(entry.activation)
        if not isinstance(found, Shortage):
            return False
        self.waiting[entry.activation] = entry, found
        for key in found.missing:
            self._by_key.setdefault(key, {})[entry.activation] = None
        return True

    def remove(self, activation: str) -> Entry | None:
        """Take the entry of that id out; ``None`` where it does not wait here."""
        found = self.waiting.pop(activation, None)
        if found is None:
            return None
        entry, shortage = found
        for key in shortage.missing:
            asking = self._by_key[key]
            del asking[activation]
            if not asking:
                del self._by_key[key]
        return entry

    def touched(self, key: str) -> list[Entry]:
        """Those that wait for the digest at ``key``, in the order in which they came: to be tried again."""
        return [self.waiting[activation][0] for activation in self._by_key.get(key, ())]

    def sentence(self) -> str:
        """For a person: how many wait, and for what the first of them does."""
        entry, shortage = next(iter(self.waiting.values()))
        more = f"{len(self.waiting)} wait for digests, among them " if len(self.waiting) > 1 else ""
        return f"{more}{entry.agent}: {shortage.sentence()}"
