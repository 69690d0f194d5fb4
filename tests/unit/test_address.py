"""URLs of backends: which there are, and that no password is ever shown."""

from __future__ import annotations

import pytest

from blackboard.address import Address, redacted
from blackboard.errors import UsageError


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://user:secret@host:1/0", "redis://user:***@host:1/0"),
        ("rediss://:secret@host", "rediss://:***@host"),
        ("redis://:se/c#r@et@host/1", "redis://:***@host/1"),
        ("unix:///run/r.sock?db=1&password=secret", "unix:///run/r.sock?db=1&password=***"),
        ("rediss://host?ssl_password=secret&db=1", "rediss://host?ssl_password=***&db=1"),
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("unix:///run/a@b.sock", "unix:///run/a@b.sock"),
        ("embedded:/srv/board", "embedded:/srv/board"),
        ("nonsense://a:secret@b", "nonsense://a:***@b"),
    ],
)
def test_a_shown_url_holds_no_password(url: str, shown: str) -> None:
    """Nor do one in the query and one that was not quoted as it should be."""
    assert redacted(url) == shown


def test_a_url_is_its_scheme_and_the_rest() -> None:
    """The scheme is written in any case."""
    assert Address.parse("EMBEDDED:some/dir")[:2] == ("embedded", "some/dir")
    assert Address.parse("memory:").rest == ""


@pytest.mark.parametrize("url", ["", "localhost", "/tmp/x", "http://a:secret@b", "redi://x"])
def test_a_url_of_no_known_kind_is_refused_with_those_that_there_are(url: str) -> None:
    """Without its password."""
    with pytest.raises(UsageError) as refused:
        Address.parse(url)
    for known in ("embedded:DIR", "memory:", "redis://", "rediss://", "unix://"):
        assert known in str(refused.value)
    assert "secret" not in str(refused.value)


def test_a_slip_in_the_scheme_is_answered_with_the_nearest() -> None:
    """As for every name that is not known."""
    with pytest.raises(UsageError, match="did you mean redis:"):
        Address.parse("redsi://localhost")


@pytest.mark.parametrize("scheme", ["redis+sentinel", "redis+cluster"])
def test_kinds_that_come_later_are_said_to_come_later(scheme: str) -> None:
    """It is not the user's spelling that is wrong."""
    with pytest.raises(UsageError, match="not supported yet"):
        Address.parse(f"{scheme}://host:26379/main")
