"""What ``ctx`` collects while an agent runs, and what it refuses."""

from __future__ import annotations

import asyncio
import gc
import threading
import timeit
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.commit import Absent, At, Delete, Present, Put, Unchanged
from blackboard.errors import InvalidInput, UsageError
from knowledge_sources.context import MAX_RECORD_GUARDS, MAX_USAGES, Context
from knowledge_sources.decorators import knowledge_source
from knowledge_sources.errors import ActivationEnded, InvalidContribution, UnknownAgent, failure_of
from knowledge_sources.registry import agent_record
from knowledge_sources.source import KnowledgeSource, source_of
from knowledge_sources.thread_context import ThreadContext
from tests.still_board import StillBoard, record_of
from tests.waiting import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

    from blackboard.record import Record


def source(
    contributes: list[str] | str = "refund/{rma}", name: str = "refund", provides: str = "refund"
) -> KnowledgeSource:
    def fn() -> None: ...

    made = source_of(knowledge_source("return/{rma}", contributes=contributes, name=name, provides=provides)(fn))
    assert made is not None
    return made


def context(*records: Record[Any], contributes: list[str] | str = "refund/{rma}") -> Context:
    return Context(source(contributes), StillBoard(*records), activation="a1", case="return/R1", captures={"rma": "R1"})


async def test_what_is_read_guards_the_contribution_and_absence_too() -> None:
    ctx = context(record_of("order/1", {"x": 1}, commit="2-5"))
    found = await ctx.get("order/1")
    assert found is not None
    assert found.value == {"x": 1}
    assert await ctx.get("order/2") is None
    assert await ctx.get("order/3", guard=False) is None
    assert ctx.guards() == [At("order/1", "2-5"), Absent("order/2")]
    assert ctx.reads == [["order/1", "2-5"], ["order/2", ""]]


async def test_what_is_read_is_the_agents_own_copy() -> None:
    record = record_of("order/1", {"x": [1]})
    ctx = context(record)
    for found in [await ctx.get("order/1"), *await ctx.find("order/*")]:
        assert found is not None
        found.value["x"].append(2)
    assert record.value == {"x": [1]}


async def test_captures_in_a_key_or_pattern_are_those_of_the_activation() -> None:
    ctx = context(record_of("label/R1/a", 1), record_of("label/R2/a", 1))
    assert [record.key for record in await ctx.find("label/{rma}/{part} where true")] == ["label/R1/a"]
    assert await ctx.get("label/{rma}") is None
    assert ctx.reads[-1] == ["label/R1", ""]


async def test_a_find_guards_what_it_found_and_a_stable_one_the_region() -> None:
    ctx = context(record_of("stock/a", 1, commit="1-3"), record_of("bin/a", 1, commit="1-9"))
    await ctx.find("stock/*")
    assert ctx.guards() == [At("stock/a", "1-3")]
    await ctx.find("bin/*", stable=True)
    assert ctx.guards() == [At("stock/a", "1-3"), Unchanged("bin", "1-9")]
    free = context(record_of("stock/a", 1))
    await free.find("stock/*", guard=False)
    assert free.guards() == []


async def test_a_find_of_very_many_guards_their_region_instead_of_each() -> None:
    ctx = context(*(record_of(f"stock/{n}", 1, commit=f"1-{n + 1}") for n in range(MAX_RECORD_GUARDS + 1)))
    assert len(await ctx.find("stock/*")) == MAX_RECORD_GUARDS + 1
    assert ctx.guards() == [Unchanged("stock", f"1-{MAX_RECORD_GUARDS + 1}")]


async def test_an_agent_that_saw_two_versions_is_guarded_by_the_first() -> None:
    ctx = context()
    await ctx.get("order/1")
    ctx._reader = StillBoard(record_of("order/1", 1, commit="1-8"))
    await ctx.get("order/1")
    assert ctx.guards() == [Absent("order/1")]


def test_posts_updates_and_deletes_are_collected_and_the_last_post_of_a_key_stands() -> None:
    ctx = context(contributes=["refund/{rma}", "note/*", "count/all"])
    assert ctx.post("refund/{rma}", {"amount": 1}) == "refund/R1"
    ctx.post("refund/R1", {"amount": 2}, ttl="5m")
    ctx.delete("note/old")
    ctx.update("count/all", lambda n: (n or 0) + 1)
    ctx.update("count/all", lambda n: n * 10)
    writes, updates = ctx.written()
    assert writes == (Put("refund/R1", {"amount": 2}, 300_000), Delete("note/old"))
    assert [(update.key, update.fn(4)) for update in updates] == [("count/all", 50)]


def test_a_new_name_is_the_same_on_every_attempt_and_another_for_every_write() -> None:
    first, again = (context(contributes="note/{rma}/{new}") for _ in range(2))
    keys = [first.post("note/{rma}/{new}", 1), first.post("note/{rma}/{new}", 2)]
    assert keys == ["note/R1/a1-1", "note/R1/a1-2"]
    assert keys == [again.post("note/R1/{new}", 1), again.post("note/R1/{new}", 2)]
    with pytest.raises(InvalidContribution, match="may not write note/R1/mine"):
        first.post("note/R1/mine", 1)


@pytest.mark.parametrize("key", ["refund/OTHER", "label/R1", "refund", "refund/R1/x", "control/agents/x"])
def test_a_key_that_was_not_declared_is_refused_with_what_was(key: str) -> None:
    writes: list[Callable[[Context], object]] = [
        lambda c: c.post(key, 1),
        lambda c: c.update(key, abs),
        lambda c: c.delete(key),
    ]
    for write in writes:
        ctx = context()
        with pytest.raises(InvalidContribution) as refused:
            write(ctx)
        assert str(refused.value) == f"refund: may not write {key}: it contributes refund/{{rma}} (with rma=R1)"
        assert refused.value.key == key
        assert failure_of(refused.value) == "invalid"
        assert ctx.written() == ((), ())


@pytest.mark.parametrize("key", ["refund/ R1", "refund/{order}", "", "refund//"])
def test_a_key_that_is_no_key_is_refused(key: str) -> None:
    with pytest.raises(InvalidContribution):
        context().post(key, 1)


def test_a_value_that_no_record_holds_is_refused_with_its_path() -> None:
    with pytest.raises(InvalidContribution, match=r"cannot write refund/R1: value\.when: object is not a type"):
        context().post("refund/R1", {"when": object()})


def test_one_key_is_written_or_updated_but_not_both() -> None:
    for first, second in (("post", "update"), ("update", "post")):
        ctx = context()
        does: dict[str, Callable[[Context], object]] = {
            "post": lambda c: c.post("refund/R1", 1),
            "update": lambda c: c.update("refund/R1", abs),
        }
        does[first](ctx)
        with pytest.raises(InvalidContribution, match="which it also"):
            does[second](ctx)


def test_a_wrong_ttl_is_refused() -> None:
    with pytest.raises(InvalidInput, match="not a duration"):
        context().post("refund/R1", 1, ttl="soon")


REGISTRY = (
    record_of("control/agents/payer_a", agent_record(source(name="payer_a", provides="pay"))),
    record_of("control/agents/payer_b", agent_record(source(name="payer_b", provides="pay"))),
    record_of("control/agents/gone", {**agent_record(source(name="gone", provides="label")), "status": "gone"}),
)


def test_a_handoff_is_a_write_guarded_by_the_registry_entry_of_its_target() -> None:
    ctx = context(*REGISTRY)
    assert ctx.handoff("refund/{rma}", {"amount": 1}, to="payer_b") == "payer_b"
    assert ctx.guards() == [Present("control/agents/payer_b")]
    assert ctx.written()[0] == (Put("refund/R1", {"amount": 1}),)


def test_a_handoff_to_a_capability_picks_a_ready_agent_that_provides_it() -> None:
    ctx = context(*REGISTRY)
    assert ctx.handoff("refund/{rma}", 1, capability="pay") == "payer_a"
    assert ctx.guards() == [Present("control/agents/payer_a")]


@pytest.mark.parametrize(
    ("target", "message", "nearest"),
    [
        ({"to": "payer_c"}, "no agent is named 'payer_c'; nearest: ", {"payer_a", "payer_b"}),
        ({"to": "gone"}, "no agent is named 'gone'; nearest: ", {"payer_a", "payer_b"}),
        ({"capability": "pays"}, "no agent provides 'pays'; nearest: pay", {"pay"}),
        ({"capability": "label"}, "no agent provides 'label'", {"pay"}),
    ],
)
def test_a_handoff_that_is_invented_is_refused_and_the_nearest_named(
    target: dict[str, str], message: str, nearest: set[str]
) -> None:
    ctx = context(*REGISTRY)
    with pytest.raises(UnknownAgent, match=message) as refused:
        ctx.handoff("refund/{rma}", 1, **target)
    assert set(refused.value.nearest) == nearest
    assert failure_of(refused.value) == "ungrounded"
    assert ctx.written() == ((), ())
    assert ctx.guards() == []


def test_a_handoff_names_an_agent_or_a_capability_and_not_both() -> None:
    for target in ({}, {"to": "a", "capability": "b"}):
        with pytest.raises(UsageError, match="names one"):
            context(*REGISTRY).handoff("refund/{rma}", 1, **target)


def test_usage_and_log_lines_are_kept() -> None:
    ctx = context()
    ctx.usage("small", 100, 20, 0.25)
    ctx.log("two\nlines")
    assert ctx.usages == [{"model": "small", "input_tokens": 100, "output_tokens": 20, "cost": 0.25}]
    assert ctx.lines == ["two", "lines"]
    for wrong in ((-1, 0, 0.0), (0, 0, float("nan")), (10**30, 0, 0.0), (0, 0, 1e308)):
        with pytest.raises(ValueError, match="usage of small"):
            ctx.usage("small", *wrong)


def test_a_usage_that_could_not_be_written_is_refused_where_it_is_reported() -> None:
    """It ended the run when the activation was to be written, or made a record that nobody could read."""
    ctx = context()
    ctx.usage(len)  # type: ignore[arg-type]  # what an agent without types may do
    ctx.usage("m" * 1_000_000)
    assert [len(usage["model"]) for usage in ctx.usages] == [len(str(len)), 200]
    for number in range(MAX_USAGES - 2):
        ctx.usage(f"model {number}")
    with pytest.raises(ValueError, match="report sums"):
        ctx.usage("small")


async def test_progress_reaches_the_runtime_at_once_and_is_no_part_of_the_record() -> None:
    shown: list[str] = []

    async def show(text: str) -> None:
        shown.append(text)

    ctx = Context(source(), StillBoard(), activation="a1", case="", captures={}, progress=show)
    await ctx.progress("calling")
    assert shown == ["calling"]
    assert ctx.lines == []
    await context().progress("nobody looks")


async def test_whatever_comes_after_the_end_is_refused_and_not_lost() -> None:
    late: list[Callable[[Context], object]] = [
        lambda c: c.post("refund/R1", 1), lambda c: c.delete("refund/R1"), lambda c: c.update("refund/R1", abs),
        lambda c: c.usage("m"), lambda c: c.log("x"), lambda c: c.handoff("refund/R1", 1, to="payer_a"),
    ]  # fmt: skip
    for use in late:
        ctx = context(*REGISTRY)
        ctx.end()
        with pytest.raises(ActivationEnded, match="the activation a1 of refund has ended"):
            use(ctx)
    ctx = context()
    ctx.end()
    for wait in (ctx.get("order/1"), ctx.find("order/*"), ctx.progress("x")):
        with pytest.raises(ActivationEnded):
            await wait


async def test_a_thread_reads_and_writes_through_the_same_context() -> None:
    shown: list[tuple[str, int]] = []

    async def show(text: str) -> None:
        shown.append((text, threading.get_ident()))

    board = StillBoard(record_of("order/1", 5, commit="1-2"), *REGISTRY)
    ctx = Context(source(), board, activation="a1", case="c", captures={"rma": "R1"}, progress=show)
    blocking = ThreadContext(ctx, asyncio.get_running_loop())

    def agent() -> None:
        order = blocking.get("order/1")
        assert order is not None
        assert order.value == 5
        assert blocking.find("order/*", stable=True) == [order]
        blocking.progress("half")
        assert blocking.handoff("refund/{rma}", 1, to="payer_a") == "payer_a"
        assert blocking.post("refund/{rma}", 2) == "refund/R1"
        blocking.usage("m", 1, 1, 0.5)
        blocking.log("said")
        with pytest.raises(InvalidContribution):
            blocking.update("other/1", abs)
        with pytest.raises(InvalidContribution):
            blocking.delete("other/1")

    await asyncio.to_thread(agent)
    assert shown == [("half", threading.get_ident())]
    assert ctx.guards() == [At("order/1", "1-2"), Unchanged("order", "1-2"), Present("control/agents/payer_a")]
    assert ctx.written()[0] == (Put("refund/R1", 2),)
    assert (ctx.usages[0]["cost"], ctx.lines) == (0.5, ["said"])
    same = ("captures", "config", "case", "agent", "activation", "idempotency_key", "attempt", "earlier")
    assert [getattr(blocking, name) for name in same] == [getattr(ctx, name) for name in same]


@pytest.mark.filterwarnings("ignore:coroutine 'Context.get' was never awaited")
async def test_a_thread_whose_loop_is_gone_does_not_wait_for_ever() -> None:
    loop = asyncio.new_event_loop()
    blocking = ThreadContext(context(), loop)
    reading = asyncio.create_task(asyncio.to_thread(blocking.get, "order/1"))
    await asyncio.to_thread(_wait_for_a_callback, loop)
    loop.close()
    with pytest.raises(ActivationEnded):
        await reading
    gc.collect()


def _wait_for_a_callback(loop: asyncio.AbstractEventLoop) -> None:
    wait_until(lambda: len(loop._ready) > 0, "the thread asked the loop", 10)  # type: ignore[attr-defined]  # asyncio's own


def test_the_idempotency_key_is_the_same_for_every_attempt() -> None:
    keys = {
        Context(source(), StillBoard(), activation="a1", case="", captures={}, attempt=n).idempotency_key
        for n in (1, 2)
    }
    assert keys == {"a1"}


def test_making_a_context_costs_microseconds() -> None:
    made, board, captures = source(), StillBoard(), {"rma": "R1"}
    best = min(
        timeit.repeat(
            lambda: Context(made, board, activation="a1", case="c", captures=captures), number=2_000, repeat=5
        )
    )
    assert best / 2_000 < 20e-6  # measured 0.4 µs; the margin is for a loaded machine
