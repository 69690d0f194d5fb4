"""A package's names, loaded at their first use, so that importing the package costs nothing."""

from __future__ import annotations

import importlib
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def loader(package: str, home: Mapping[str, str]) -> Callable[[str], object]:
    """The ``__getattr__`` of ``package``: ``home`` says which module each name is taken from; it is then kept."""

    def load(name: str) -> object:
        if name not in home:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value: object = getattr(importlib.import_module(home[name]), name)
        setattr(sys.modules[package], name, value)
        return value

    return load


def lister(package: str, home: Mapping[str, str]) -> Callable[[], list[str]]:
    """The ``__dir__`` of ``package``: what is loaded, and what will be."""
    return lambda: sorted({*vars(sys.modules[package]), *home})
