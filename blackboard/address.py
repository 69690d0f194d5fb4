"""The URL of a backend: which kinds there are, and how one is shown without its secrets."""

from __future__ import annotations

import difflib
import re
from typing import NamedTuple

from blackboard.errors import UsageError

KNOWN = {
    "embedded": "embedded:DIR, a private server in a directory",
    "memory": "memory:, this process only",
    "redis": "redis://HOST:PORT/DB",
    "rediss": "rediss://HOST:PORT/DB, with TLS",
    "unix": "unix:///PATH/TO/SOCKET",
}
NOT_YET = ("redis+sentinel", "rediss+sentinel", "redis+cluster", "rediss+cluster")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*):")
# Up to the last @, for a password that somebody did not quote.
_USER_PASSWORD = re.compile(r"://([^@/?#:]*):.*@")
_SECRET_OPTION = re.compile(r"([?&][^=&]*(?:password|token|secret)[^=&]*=)[^&#]*", re.IGNORECASE)


class Address(NamedTuple):
    """A URL taken apart: ``rest`` is what follows ``scheme:``."""

    scheme: str
    rest: str
    url: str

    @classmethod
    def parse(cls, url: str) -> Address:
        """Raises ``UsageError`` for a scheme that there is not, with those that there are."""
        found = _SCHEME.match(url)
        scheme = found.group(1).lower() if found else ""
        if scheme in NOT_YET:
            raise UsageError(f"{redacted(url)}: {scheme}:// is not supported yet; name one server: redis://HOST:PORT")
        if found is None or scheme not in KNOWN:
            near = difflib.get_close_matches(scheme, KNOWN, n=1)
            hint = f"; did you mean {near[0]}:?" if near else ""
            known = "\n  ".join(KNOWN.values())
            raise UsageError(f"{redacted(url)!r} is not a backend's URL{hint}; there are:\n  {known}")
        return cls(scheme, url[found.end() :], url)

    def shown(self) -> str:
        """The URL as it may be shown and logged."""
        return redacted(self.url)


def redacted(url: str) -> str:
    """``url`` with ``***`` for every password in it."""
    return _SECRET_OPTION.sub(r"\1***", _USER_PASSWORD.sub(r"://\1:***@", url))
