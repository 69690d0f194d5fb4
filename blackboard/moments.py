"""Instants as people type them: a time of day, or a date with or without one."""

from __future__ import annotations

import datetime as dt
import re
from typing import Final

_OF_DAY: Final = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9])(?:\.([0-9]{1,3}))?)?")
_DATED: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[T ].{1,32})?")
_DAY: Final = dt.timedelta(days=1)


def parse_instant(text: str, now_ms: int) -> int | None:
    """The instant that ``text`` names, in milliseconds since 1970, ``None`` where it names none.

    ``10:47``, ``10:47:30`` and ``10:47:30.250`` are the last such time before ``now_ms``; else it is as ISO 8601 has it,
    ``2026-11-28 23:14:19+00:00``.  Without an offset it is local time.
    """
    now = dt.datetime.fromtimestamp(now_ms / 1000, tz=dt.UTC).astimezone()
    of_day = _OF_DAY.fullmatch(text)
    try:
        if of_day is not None:
            hour, minute, second = int(of_day[1]), int(of_day[2]), int(of_day[3] or 0)
            micro = int((of_day[4] or "").ljust(6, "0"))
            naive = now.replace(tzinfo=None, hour=hour, minute=minute, second=second, microsecond=micro)
            moment = naive.astimezone()
            moment = (naive - _DAY).astimezone() if moment > now else moment
        elif _DATED.fullmatch(text):
            moment = dt.datetime.fromisoformat(text)
            moment = moment.astimezone() if moment.tzinfo is None else moment
        else:
            return None
        return round(moment.timestamp() * 1000)
    except (ValueError, OverflowError, OSError):
        return None
