"""Claims about the signs of a standstill, held against plain counts over whole random histories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from blackboard import codec
from blackboard.group import Packed
from blackboard.record import Record, Stamp
from controller.agenda import Entry
from controller.idling import Idling
from controller.stalling import StallLimits, Stalls
from controller.toggling import Toggling

if TYPE_CHECKING:
    from blackboard.control_records import Activation

LIMITS = StallLimits(toggles=3, firings=3, depth=9, repeats=None)
FIRINGS = st.lists(
    st.tuples(st.sampled_from(["support", "compliance", "clerk"]), st.sampled_from("kl"), st.sampled_from("abcd")),
    max_size=60,
)


def record(key: str, value: object, stamp: Stamp, revision: int) -> Record[Any]:
    data, _ = codec.pack_record(stamp, "", 0, codec.pack_own(value))
    return Record(key, f"1-{revision}", revision, 1, 0, data)


def digest(value: object) -> str:
    return codec.pack_record(Stamp(), "", 0, codec.pack_own(value))[1]


def executed(agent: str, wrote: list[str], rewrote: list[list[str]]) -> Activation:
    done: Any = {
        "agent": agent,
        "case": "case/1",
        "state": "executed",
        "attempt": 1,
        "triggers": [["in", "in/1", "1-1"]],
    }
    done["ended_ms"] = 0
    if wrote:
        done["wrote"] = wrote
    if rewrote:
        done["rewrote"] = rewrote
    return done  # type: ignore[no-any-return]


def entry(agent: str, depth: int = 1, case: str = "case/1") -> Entry:
    trigger = record("in/1", 1, Stamp("x", "act", case, (), depth), 1)
    return Entry(
        "id", agent, agent, case, level=0, rating=0.0, eligible_ms=0, sequence=1, captures={}, triggers={"in": trigger}
    )


def history(firings: list[tuple[str, str, str]]) -> list[Activation]:
    """The activations that firings in this order leave behind, each of which answers what stood at its key."""
    stalls = Stalls(LIMITS)
    board: dict[str, Record[Any]] = {}
    found = []
    for depth, (agent, key, value) in enumerate(firings, 1):
        stamp = Stamp(agent, "act", "case/1", (), depth)
        write = Packed(key, 0, digest(value), b"")
        done = executed(agent, [key], stalls.rewritten(board.get, [write], stamp))
        stalls.contributed(done)
        board[key] = record(key, value, stamp, depth)
        found.append(done)
    return found


def toggles_of(firings: list[tuple[str, str, str]], key: str) -> tuple[int, set[str]]:
    """How often in a row ``key`` was put back by another than the one before, and by whom: from the whole history."""
    times, authors, seen, last, stands = 0, set(), [], "", ""
    for agent, where, value in firings:
        if where != key:
            continue
        if stands and value != stands:
            if stands not in seen:
                seen.append(stands)
            if value not in seen:
                times, authors = 0, {agent}
            elif last not in ("", agent):
                times, authors = times + 1, authors | {agent}
            last = agent
        stands = value
    return times, authors


@given(FIRINGS)
def test_what_goes_back_and_forth_is_what_a_plain_count_over_the_history_says(
    firings: list[tuple[str, str, str]],
) -> None:
    stalls = Stalls.rebuild(LIMITS, [(str(n), one) for n, one in enumerate(history(firings))])
    held = {agent for key in "kl" for times, authors in [toggles_of(firings, key)] if times >= 3 for agent in authors}
    for agent in ("support", "compliance", "clerk"):
        refusal = stalls.refusal(entry(agent), 0)
        assert (refusal is not None and refusal.stall[0] == "toggles") == (agent in held)


@given(FIRINGS)
def test_what_says_nothing_new_is_what_a_plain_count_over_the_history_says(firings: list[tuple[str, str, str]]) -> None:
    stalls = Stalls.rebuild(
        StallLimits(toggles=None, firings=3, depth=None, repeats=None),
        [(str(n), one) for n, one in enumerate(history(firings))],
    )
    in_vain = dict.fromkeys(("support", "compliance", "clerk"), 0)
    for at, (agent, key, value) in enumerate(firings):
        said = any(where == key and before == value for _, where, before in firings[:at])
        in_vain[agent] = in_vain[agent] + 1 if said else 0
    for agent, times in in_vain.items():
        assert (stalls.refusal(entry(agent), 0) is not None) == (times >= 3), agent


@given(FIRINGS, st.integers(min_value=0, max_value=60))
def test_a_restart_at_any_moment_changes_no_count(firings: list[tuple[str, str, str]], at: int) -> None:
    """Rebuilt from the records so far and gone on with, or counted in one go."""
    records = history(firings)
    parts = Stalls.rebuild(LIMITS, [(str(n), one) for n, one in enumerate(records[:at])])
    for one in records[at:]:
        parts.contributed(one)
    whole = Stalls.rebuild(LIMITS, [(str(n), one) for n, one in enumerate(records)])
    for agent in ("support", "compliance", "clerk"):
        assert parts.refusal(entry(agent), 0) == whole.refusal(entry(agent), 0)


def test_work_that_gets_on_is_never_held_back() -> None:
    """A thousand new values, each the answer to the one before."""
    firings = [(("support", "compliance")[n % 2], "k", str(n)) for n in range(1000)]
    stalls = Stalls.rebuild(LIMITS, [(str(n), one) for n, one in enumerate(history(firings))])
    assert stalls.refusal(entry("support"), 0) is None


def test_what_is_put_and_taken_away_in_turn_goes_back_and_forth_too() -> None:
    toggling = Toggling(3)
    for _ in range(2):
        toggling.note("flag/1", "raise", "case/1", before="", after="up", at_ms=0)
        toggling.note("flag/1", "clear", "case/1", before="up", after="", at_ms=9)
    held = toggling.holds("raise", "case/1")
    assert held is not None
    assert (held.times, set(held.authors)) == (3, {"raise", "clear"})
    assert toggling.holds("raise", "case/2") is None


def test_a_new_value_ends_a_quarrel() -> None:
    toggling = Toggling(2)
    for agent, before, after in (("a", "1", "2"), ("b", "2", "1"), ("a", "1", "2")):
        toggling.note("k", agent, "c", before=before, after=after, at_ms=0)
    assert toggling.holds("a", "c") is not None
    toggling.note("k", "b", "c", before="2", after="3", at_ms=0)
    assert toggling.holds("a", "c") is None
    assert toggling.holds("b", "c") is None


def test_many_that_count_side_by_side_answer_nobody() -> None:
    """What is no later in the lineage, or of another case, is no answer."""
    stalls = Stalls(LIMITS)
    board = {"stock": record("stock", 5, Stamp("ship", "act", "order/1", (), 2), 1)}
    write = Packed("stock", 0, digest(4), b"")
    assert stalls.rewritten(board.get, [write], Stamp("ship", "act", "order/2", (), 9)) == []
    assert stalls.rewritten(board.get, [write], Stamp("ship", "act", "order/1", (), 2)) == []
    assert len(stalls.rewritten(board.get, [write], Stamp("ship", "act", "order/1", (), 3))) == 1


def test_depth_is_that_of_the_deepest_record_and_can_be_switched_off() -> None:
    assert Stalls(LIMITS).refusal(entry("a", depth=8), 0) is None
    refusal = Stalls(LIMITS).refusal(entry("a", depth=9), 0)
    assert refusal is not None
    assert refusal.stall == ("depth", "a", "case/1")
    assert Stalls(StallLimits(depth=None)).refusal(entry("a", depth=10_000), 0) is None


def test_who_has_decided_is_not_overruled_but_what_comes_from_outside_is_a_new_matter() -> None:
    held: Any = {
        "agent": "a",
        "case": "case/1",
        "state": "executed",
        "attempt": 0,
        "triggers": [],
        "decided_by": "boss",
    }
    held["stall"] = ["depth", "a", "case/1"]
    stalls = Stalls.rebuild(LIMITS, [("1", held)])
    refusal = stalls.refusal(entry("a", depth=9), 0)
    assert refusal is not None
    assert refusal.settled_by == "boss"
    outside = entry("a")
    outside.triggers = {"in": record("in/1", 1, Stamp(depth=9), 1)}
    refusal = stalls.refusal(outside, 0)
    assert refusal is not None
    assert refusal.settled_by == ""


def test_an_agent_that_says_something_new_starts_anew() -> None:
    idling = Idling(2)
    idling.note("a", "c", new=False)
    idling.note("a", "c", new=True)
    idling.note("a", "c", new=False)
    assert idling.holds("a", "c") == 0
    idling.note("a", "c", new=False)
    assert idling.holds("a", "c") == 2
    assert idling.holds("b", "c") == 0
