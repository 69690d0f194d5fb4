"""Every oracle finds the fault that it is there for, and is content with a run that has none."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING

import msgpack  # type: ignore[import-untyped]  # the package ships no types
import pytest

from blackboard import codec
from blackboard.commit import Absent, Put, Unchanged
from blackboard.errors import Conflict
from blackboard.record import Stamp
from tests.proof.dump import Dump, LoggedCommit, read_dump
from tests.proof.flat import Footprint, flat
from tests.proof.history import Commit, Event, History, Read, Shown, Told
from tests.proof.oracles import check
from tests.proof.recording import RecordedBoard
from tests.proof.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.conftest import RedisServer


@pytest.fixture
async def run(redis_server: RedisServer, board_name: str) -> Run:
    """One client's commits of every kind.

    Revisions: 1 creates a/1, 2 replaces it, 3 puts two records, 4 is under an idempotency key, 5 removes a/2.
    """
    history = History()
    async with await RecordedBoard.recorded(redis_server.url, board_name, history, "w") as board:
        first = await board.create("a/1", 1)
        await board.replace(first, 2)
        with pytest.raises(Conflict):
            await board.replace(first, 3)
        await board.commit([Unchanged("b", 2), Absent("b/1")], [Put("b/1", 4), Put("a/2", 5, ttl_ms=3_600_000)])
        await board.put("c/1", 6, once="key")
        await board.put("c/1", 6, once="key")
        await board.delete("a/2")
        await board.get("a/1")
        await board.show()
    history.add(Event("r", 1, 0, "reads", "0"))
    with redis_server.client() as client:
        dump = read_dump(client, board_name)
    for entry in dump.log:
        for change in entry.changes:
            history.add(Told("r", history.next_number("r") + 1, 1, entry.commit, change.key, change.mark))
    return Run(history, dump)


def corrupted(run: Run, how: Callable[[History, Dump], Dump | None]) -> set[str]:
    """The oracles that find something once ``how`` was done to a copy of ``run``."""
    history, dump = copy.deepcopy(run.history), copy.deepcopy(run.dump)
    changed = how(history, dump)
    return {violation.oracle for violation in check(Run(history, dump if changed is None else changed))}


def entry_at(dump: Dump, revision: int) -> LoggedCommit:
    return dump.log[revision - 1]


def commit_at(history: History, revision: int) -> Commit:
    return next(c for c in history.commits if c.commit == f"1-{revision}" and not c.repeated)


def change_entry(dump: Dump, revision: int, **fields: object) -> None:
    """Change the first change of an entry of the log."""
    entry = entry_at(dump, revision)
    changed = entry.changes[0]._replace(**fields)  # type: ignore[arg-type]  # the caller names them
    dump.log[revision - 1] = entry._replace(changes=(changed, *entry.changes[1:]))


def repacked(data: bytes, field: int, value: object) -> bytes:
    fields = msgpack.unpackb(data, raw=False)
    fields[field] = value
    return bytes(msgpack.packb(fields))


def append(dump: Dump, author: str, key: str, value: object, stamp: Stamp | None = None) -> Dump:
    """The board after one more commit, as the script would have written it."""
    data, digest = codec.pack_record(stamp or Stamp(author), "", 0, codec.pack_value(value))
    revision, region = dump.revision + 1, key.partition("/")[0]
    name, stored = f"1-{revision}", dump.records.setdefault(region, {})
    before = dump.revisions.get(key, " 0").split(" ")
    version = int(before[1]) + 1
    template = LoggedCommit(name, "1700000000000", author, ())
    change = entry_at(dump, 1).changes[0]._replace(key=key, previous=before[0], version=version, data=data)
    dump.log.append(template._replace(changes=(change,)))
    stored[key] = f"1 {revision} {version} 1700000000000 ".encode() + data
    dump.revisions[key] = f"{name} {version} {digest}"
    dump.regions[region] = dump.meta["revision"] = str(revision)
    return dump


async def test_a_run_without_a_fault_contents_every_oracle(run: Run) -> None:
    assert check(run) == []
    assert corrupted(run, lambda history, dump: append(dump, "somebody", "z/1", 1)) == {"accounted"}


def _no_head(history: History, dump: Dump) -> None:
    dump.meta["revision"] = "4"


def _hole(history: History, dump: Dump) -> None:
    del dump.log[3]


def _two_epochs(history: History, dump: Dump) -> None:
    dump.meta.update({"epoch": "2", "epoch:2": "3 run"})


def _no_board(history: History, dump: Dump) -> None:
    dump.meta.clear()


@pytest.mark.parametrize("how", [_no_head, _hole, _two_epochs, _no_board])
async def test_dense_finds_what_is_wrong_with_the_revisions(run: Run, how: Callable[[History, Dump], None]) -> None:
    assert "dense" in corrupted(run, how)


@pytest.mark.parametrize("fields", [{"previous": ""}, {"version": 7}, {"previous": "1-2"}])
async def test_links_finds_a_change_that_does_not_follow_from_the_one_before(
    run: Run, fields: dict[str, object]
) -> None:
    assert "links" in corrupted(run, lambda history, dump: change_entry(dump, 2, **fields))


async def test_links_finds_what_was_logged_though_it_changed_nothing_and_what_expired_too_early(run: Run) -> None:
    same = entry_at(run.dump, 1).changes[0].data
    assert "links" in corrupted(run, lambda history, dump: change_entry(dump, 2, data=same))
    assert "links" in corrupted(run, lambda history, dump: change_entry(dump, 5, operation="x"))


def _unlogged(history: History, dump: Dump) -> None:
    dump.records["a"]["a/9"] = dump.records["a"]["a/1"]


def _unapplied(history: History, dump: Dump) -> None:
    del dump.records["b"]["b/1"]


def _other_bytes(history: History, dump: Dump) -> None:
    dump.records["a"]["a/1"] = dump.records["b"]["b/1"]


def _revision_astray(history: History, dump: Dump) -> None:
    dump.revisions["a/1"] = "1-1 1 x"


def _region_astray(history: History, dump: Dump) -> None:
    dump.regions["b"] = "1"


def _expiry_astray(history: History, dump: Dump) -> None:
    dump.expiries["a/1"] = 5.0


def _other_region(history: History, dump: Dump) -> None:
    dump.records["b"]["a/1"] = dump.records["a"].pop("a/1")


@pytest.mark.parametrize(
    "how", [_unlogged, _unapplied, _other_bytes, _revision_astray, _region_astray, _expiry_astray, _other_region]
)
async def test_replay_finds_state_that_the_log_does_not_explain_and_the_reverse(
    run: Run, how: Callable[[History, Dump], None]
) -> None:
    assert corrupted(run, how) == {"replay"}


async def test_replay_starts_from_the_base_at_the_horizon(run: Run) -> None:
    def trim(history: History, dump: Dump) -> Dump:
        trimmed = dump._replace(log=dump.log[2:])
        change = entry_at(dump, 2).changes[0]
        trimmed.base["a/1"] = f"1 2 2 {entry_at(dump, 2).time} ".encode() + change.data
        trimmed.meta["horizon"] = "2"
        return trimmed

    def lie(history: History, dump: Dump) -> Dump:
        trimmed = trim(history, dump)
        del trimmed.base["a/1"]
        return trimmed

    untold = copy.deepcopy(run)
    untold.history.told.clear()
    assert corrupted(untold, trim) == set()
    assert "replay" in corrupted(untold, lie)


def _flipped(history: History, dump: Dump) -> None:
    """The same flipped bit in the log and in the record, as in a damaged file that was loaded."""
    bad = repacked(entry_at(dump, 2).changes[0].data, 9, b"\x63")
    change_entry(dump, 2, data=bad)
    dump.records["a"]["a/1"] = f"1 2 2 {entry_at(dump, 2).time} ".encode() + bad


async def test_digests_finds_a_value_that_is_not_the_one_that_was_packed(run: Run) -> None:
    assert "digests" in corrupted(run, _flipped)


def _rubbish(history: History, dump: Dump) -> None:
    change_entry(dump, 1, data=b"\xc1", operation="?")
    dump.records["a"]["a/1"] = b"rubbish"


async def test_bytes_that_do_not_decode_are_violations_and_stop_no_oracle(run: Run) -> None:
    assert {"digests", "links", "replay"} <= corrupted(run, _rubbish)


def _lost(history: History, dump: Dump) -> None:
    commit_at(history, 5).commit = "1-6"


def _other_writes(history: History, dump: Dump) -> None:
    commit = commit_at(history, 3)
    commit.writes = commit.writes[::-1]


def _other_author(history: History, dump: Dump) -> None:
    commit_at(history, 4).author = "x"


def _other_version(history: History, dump: Dump) -> None:
    commit_at(history, 2).results = (("1-2", 3, True),)


@pytest.mark.parametrize("how", [_lost, _other_writes, _other_author, _other_version])
async def test_acknowledged_finds_what_the_log_does_not_hold_as_it_was_told(
    run: Run, how: Callable[[History, Dump], None]
) -> None:
    assert "acknowledged" in corrupted(run, how)


async def test_unique_names_finds_a_name_that_was_given_twice(run: Run) -> None:
    def twice(history: History, dump: Dump) -> None:
        history.add(copy.deepcopy(commit_at(history, 5)))
        history.commits[-1].number = 999

    assert "unique_names" in corrupted(run, twice)


async def test_accounted_finds_a_refused_commit_in_the_log_and_one_that_is_there_twice(run: Run) -> None:
    def refused(history: History, dump: Dump) -> None:
        commit = commit_at(history, 5)
        commit.outcome, commit.commit, commit.error = "refused", "", "Conflict"

    def twice(history: History, dump: Dump) -> Dump:
        for value in ("x", "y", "x"):
            append(dump, "w", "z/1", value)
        entry = dump.log[-1]
        writes = (("z/1", entry.changes[0].mark),)
        history.add(Commit("w", 800, 1, "w", (), writes))
        history.add(Commit("w", 801, 1, "w", (), (("z/1", dump.log[-2].changes[0].mark),)))
        return dump

    assert "accounted" in corrupted(run, refused)
    assert corrupted(run, twice) == {"accounted"}


async def test_an_unknown_commit_may_be_in_the_log_once_or_not_at_all(run: Run) -> None:
    def applied(history: History, dump: Dump) -> Dump:
        append(dump, "w", "z/1", "x")
        history.add(Commit("w", 800, 1, "w", (), (("z/1", dump.log[-1].changes[0].mark),)))
        return dump

    def missing(history: History, dump: Dump) -> None:
        history.add(Commit("w", 800, 1, "w", (), (("z/1", "other"),)))

    assert corrupted(run, applied) == set()
    assert corrupted(run, missing) == set()


async def test_of_two_removals_that_were_never_answered_the_one_with_the_right_guard_is_in_the_log(run: Run) -> None:
    """The first was, so that its guard seemed to be broken: this was found as a violation that was none."""

    def how(history: History, dump: Dump) -> None:
        answered = commit_at(history, 5)
        answered.outcome, answered.commit, answered.results = "unknown", "", ()
        answered.guards = (("at", "a/2", "1-3"),)
        history.commits.insert(0, Commit("w", 800, 0, "w", (("at", "a/2", "1-2"),), answered.writes))

    assert corrupted(run, how) == set()


@pytest.mark.parametrize(
    ("revision", "guard"),
    [
        (2, ("at", "a/1", "1-7")),
        (2, ("absent", "a/1", "")),
        (2, ("present", "b/1", "")),
        (3, ("unchanged", "a", "1")),
        (1, ("previous", "", "")),
    ],
)
async def test_guards_finds_a_guard_that_did_not_hold(run: Run, revision: int, guard: tuple[str, str, str]) -> None:
    def how(history: History, dump: Dump) -> None:
        commit_at(history, revision).guards = (guard,)

    assert corrupted(run, how) == {"guards"}


async def test_once_finds_a_key_that_was_applied_twice_and_one_that_took_another_payload(run: Run) -> None:
    def again(history: History, dump: Dump) -> None:
        commit_at(history, 5).once = "key"

    def other(history: History, dump: Dump) -> None:
        next(commit for commit in history.commits if commit.repeated).payload = "other"

    def needless(history: History, dump: Dump) -> None:
        repeated = next(commit for commit in history.commits if commit.repeated)
        repeated.outcome, repeated.repeated, repeated.error = "refused", False, "OnceMismatch"
        repeated.commit, repeated.results = "", ()

    assert "once" in corrupted(run, again)
    assert corrupted(run, needless) == {"once"}
    assert corrupted(run, other) == {"once"}


async def test_order_finds_a_stale_read_and_a_conflict_that_was_none(run: Run) -> None:
    def stale(history: History, dump: Dump) -> None:
        history.reads[-1].commit = "1-1"

    def needless(history: History, dump: Dump) -> None:
        refused = next(commit for commit in history.commits if commit.error == "Conflict")
        refused.failures = ((0, "1-4"),)

    def overtaken(history: History, dump: Dump) -> None:
        commit_at(history, 5).end_ns = commit_at(history, 5).start_ns = 0

    assert corrupted(run, stale) == {"order"}
    assert corrupted(run, needless) == {"order"}
    assert corrupted(run, overtaken) == {"order"}


async def test_readers_finds_a_change_that_was_skipped_repeated_or_altered(run: Run) -> None:
    def skipped(history: History, dump: Dump) -> None:
        del history.told[1]

    def repeated(history: History, dump: Dump) -> None:
        history.told.insert(1, history.told[0])

    def altered(history: History, dump: Dump) -> None:
        history.told[2].mark = "other"

    for how in (skipped, repeated, altered):
        assert corrupted(run, how) == {"readers"}


async def test_replicas_finds_a_state_that_the_board_never_had(run: Run) -> None:
    def behind(history: History, dump: Dump) -> None:
        shown = history.shown[0]
        history.shown[0] = Shown(shown.client, shown.number, 1, 4, shown.records)

    assert corrupted(run, behind) == {"replicas"}


async def test_contributions_finds_a_second_one_and_one_that_is_spread(run: Run) -> None:
    def executed(dump: Dump, state: str) -> None:
        append(dump, "w", "control/activations/k1", {"state": state, "n": dump.revision})

    def twice(history: History, dump: Dump) -> Dump:
        for state in ("executed", "running", "executed"):
            executed(dump, state)
        return dump

    def spread(history: History, dump: Dump) -> Dump:
        append(dump, "w", "z/1", 1, Stamp("w", activation="k1"))
        return append(dump, "w", "z/2", 1, Stamp("w", activation="k1"))

    assert "contributions" in corrupted(run, twice)
    assert "contributions" in corrupted(run, spread)
    assert "contributions" not in corrupted(run, lambda history, dump: executed(dump, "executed"))


async def test_losses_may_be_missing_from_the_log_and_must_be_told(run: Run) -> None:
    def promoted(told: bool) -> set[str]:
        history, dump = copy.deepcopy(run.history), copy.deepcopy(run.dump)
        dump.meta.update({"epoch": "2", "epoch:2": "5 run"})
        history.add(Commit("w", 800, 1, "w", (), (("z/1", "m"),), end_ns=2, outcome="done", commit="1-6"))
        history.commits[-1].results = (("1-6", 1, True),)
        if told:
            history.add(Event("w", 801, 3, "lost", "1-6"))
        return {violation.oracle for violation in check(Run(history, dump, may_lose=True))}

    assert promoted(told=True) == set()
    assert promoted(told=False) == {"told_of_losses"}


async def test_a_region_that_was_read_in_a_lost_history_guards_nothing(run: Run) -> None:
    history, dump = copy.deepcopy(run.history), copy.deepcopy(run.dump)
    dump.meta.update({"epoch": "2", "epoch:2": "5 run"})
    append(dump, "w", "z/1", 1)
    name = "2-6"
    dump.log[-1] = dump.log[-1]._replace(commit=name)
    history.add(Read("w", 800, 1, 2, "", "1-6"))
    history.add(Event("w", 801, 3, "lost", "1-6"))
    mark = dump.log[-1].changes[0].mark
    history.add(Commit("w", 802, 4, "w", (("unchanged", "q", "6"),), (("z/1", mark),)))
    found = {violation.oracle for violation in check(Run(history, dump, may_lose=True))}
    assert "void_guards" in found


def test_flat_finds_connections_tasks_and_memory_that_are_left_over() -> None:
    before = Footprint(1, 1_000_000, 1)
    assert flat(before, Footprint(1, 1_500_000, 1)) == []
    for after in (Footprint(2, 0, 1), Footprint(1, 0, 2), Footprint(1, 9_000_000, 1)):
        assert [violation.oracle for violation in flat(before, after)] == ["flat"]


async def test_guards_at_a_commit_that_stands_are_content(run: Run) -> None:
    def how(history: History, dump: Dump) -> None:
        commit_at(history, 3).guards = (("at", "a/1", "1-2"), ("unchanged", "a", "2"), ("present", "a/1", ""))

    assert corrupted(run, how) == set()
