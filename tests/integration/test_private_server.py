"""The server that the tests run on."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import RedisServer


def test_the_session_has_a_real_server_of_its_own(redis_server: RedisServer, board_name: str) -> None:
    """It answers, says the version of its binary, and loses the keys of a test's board with the test."""
    with redis_server.client() as client:
        info = client.info("server")
        client.set(f"bb:{{{board_name}}}:meta", b"x")
    assert info["tcp_port"] == 0
    assert str(redis_server.version).endswith(info["redis_version"]) or redis_server.version.product == "valkey"
    assert redis_server.keys(f"bb:{{{board_name}}}:*") == [f"bb:{{{board_name}}}:meta".encode()]


def test_the_board_of_the_test_before_is_gone(redis_server: RedisServer) -> None:
    """What ``board_name`` named was removed."""
    assert redis_server.keys() == []
