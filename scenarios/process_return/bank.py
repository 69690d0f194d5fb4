"""The bank of this scenario.  How it behaves is written in the account, as in the test cards of payment providers.

It keeps nothing between calls, so a run that was killed and resumed meets the same bank.
"""

from __future__ import annotations

import asyncio
import hashlib
from typing import Final

USUAL_SECONDS: Final = 0.005
LATENESS_SECONDS: Final = {"LATE": 1.2, "SLOW": 10.0}

PRICE_PER_CALL: Final = 0.002
"""what the shop pays the bank for each call, answered or not"""


class Unavailable(Exception):
    """The bank did not take the order; nothing was booked."""


async def transfer(account: str, amount_cents: int, *, reference: str, call: int, punctual: bool = False) -> str:
    """Book ``amount_cents`` to ``account`` and return the receipt; the same order always has the same receipt.

    ``reference`` makes the order one order however often it is sent, and ``call`` counts the sending, from 1.
    Accounts starting with BUSY refuse the first call, DEAD every call; LATE and SLOW take their time
    unless ``punctual``.  Cancelled before it returns, nothing is booked.
    """
    kind = account.partition("-")[0]
    await asyncio.sleep(USUAL_SECONDS if punctual else LATENESS_SECONDS.get(kind, USUAL_SECONDS))
    if kind == "DEAD" or (kind == "BUSY" and call == 1):
        raise Unavailable(f"temporarily unavailable (call {call})")
    return receipt(reference, account, amount_cents)


def receipt(reference: str, account: str, amount_cents: int) -> str:
    """A number that depends on the order alone."""
    digest = hashlib.blake2b(f"{reference}|{account}|{amount_cents}".encode(), digest_size=5).hexdigest()
    return f"P-{digest.upper()}"
