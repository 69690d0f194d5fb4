"""What runs here is what was asked for: first of the tests of each combination, in the same process as the others."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest

import blackboard
from blackboard.board import Board
from blackboard.connect import connect
from blackboard.link import ClientLink, Link, SocketLink, call, open_link
from blackboard.scripts import Script
from blackboard.server_binary import find_server
from scenarios.shipped import shipped_scenarios
from tests.matrix.combination import EXPECTED
from tests.own_server import OwnServer

PARSERS = {(2, True): "_AsyncHiredisParser", (3, True): "_AsyncHiredisParser",
           (2, False): "_AsyncRESP2Parser", (3, False): "_AsyncRESP3Parser"}  # fmt: skip


@pytest.fixture(scope="module")
def expected() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(os.environ[EXPECTED])
    return found


async def protocol_of(link: Link) -> int:
    told = await call(link, "HELLO")
    return int(told[told.index(b"proto") + 1])


async def test_witness_of_server_protocol_and_parser(expected: dict[str, Any]) -> None:
    """By what each of them says of itself."""
    if expected["server"] == "fakeredis":
        async with await connect("memory:") as backend:
            assert backend.version.startswith("fakeredis ")
        return
    with OwnServer() as server:
        async with await connect(server.url) as backend:
            assert backend.version == str(find_server().version) == expected["server"]
            link = await open_link(backend)
            assert await protocol_of(link) == expected["protocol"]
            assert isinstance(link, SocketLink if expected["hiredis"] else ClientLink)
            link.close()
            async with backend.client.client() as client:
                await client.ping()
                parser = type(client.connection._parser).__name__  # type: ignore[union-attr]
            assert parser == PARSERS[expected["protocol"], expected["hiredis"]]
            async with await Board.open(backend, "witness") as board:
                assert (await board.put("a/1", 1)).commit == "1-1"
                assert isinstance(board.store._writer, SocketLink if expected["hiredis"] else ClientLink)


def test_witness_of_hiredis_in_this_process_and_its_children(expected: dict[str, Any]) -> None:
    assert (importlib.util.find_spec("hiredis") is not None) is expected["hiredis"]
    blocked = os.environ.get("PYTHONPATH", "").endswith("without_hiredis")
    assert blocked is not expected["hiredis"]


def test_witness_of_where_the_package_is_from(expected: dict[str, Any]) -> None:
    """And of what is no Python in it."""
    place = Path(blackboard.__file__).resolve()
    assert ("site-packages" in place.parts) is expected["installed"], place
    if expected["installed"]:
        assert place.is_relative_to(Path(sys.prefix).resolve())
    assert "redis.call" in Script("commit.lua").text
    assert "redis.call" in Script("handshake.lua").text
    assert {"first_agent", "double_refund", "process_return"} <= set(shipped_scenarios())
    assert (place.parent / "py.typed").is_file()
