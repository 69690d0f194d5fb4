"""What the errors say."""

from __future__ import annotations

import pytest

from blackboard.errors import ServerRefused

SHA = "0123456789012345678901234567890123456789"
SAID = "OOM command not allowed when used memory > 'maxmemory'."


@pytest.mark.parametrize(
    "answer",
    [
        f"ERR Error running script (call to f_{SHA}): @user_script:325: {SAID}",
        f"ERR Error running script (call to f_{SHA}): @user_script:325: @user_script: 325: {SAID}",
        f"{SAID} script: {SHA}, on @user_script:325.",
    ],
)
def test_a_refusal_says_what_the_server_said_without_its_place_in_a_script(answer: str) -> None:
    """Redis 6.2 and 7 put it before and behind; it says nothing to who reads it."""
    assert str(ServerRefused(answer)) == f"the server refused: {SAID}"
