"""A proxy between a client and a server, and the ways in which a connection between them fails."""

from __future__ import annotations

from tests.proxy.proxy import Fate, Proxy

__all__ = ["Fate", "Proxy"]
