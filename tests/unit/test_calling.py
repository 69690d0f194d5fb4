"""A function of the user's inside a ready-made agent: what it asks for it is given, and it never stands on the loop."""

from __future__ import annotations

import asyncio
import threading
from typing import TYPE_CHECKING, Any

import pytest

from blackboard.errors import InvalidInput
from knowledge_sources import Context, ThreadContext, knowledge_source, source_of
from knowledge_sources.calling import Code, off_the_loop
from tests.still_board import StillBoard, record_of

if TYPE_CHECKING:
    from collections.abc import Callable


def context() -> Context:
    source = source_of(knowledge_source("order/{o}", name="clerk")(lambda: None))
    assert source is not None
    return Context(source, StillBoard(record_of("order/1", 5)), activation="a1", case="c", captures={"o": "1"})


async def test_it_is_given_what_it_names_and_nothing_else() -> None:
    def fn(b: int, ctx: ThreadContext, other: int = 7) -> Any:
        record = ctx.get("order/{o}")
        return b, other, record.value if record is not None else None, threading.current_thread() is main

    main = threading.current_thread()
    assert await Code.of(fn, ("a", "b", "ctx")).call(context(), a=1, b=2) == (2, 7, 5, False)


async def test_a_coroutine_function_is_awaited_on_the_loop() -> None:
    async def fn(ctx: Context) -> Any:
        record = await ctx.get("order/1")
        return record.value if record is not None else None

    assert await Code.of(fn, ("ctx",)).call(context()) == 5


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), KeyError("k")])
async def test_what_it_raises_is_raised(error: BaseException) -> None:
    def fn() -> None:
        raise error

    with pytest.raises(type(error)):
        await Code.of(fn, ()).call(context())


@pytest.mark.parametrize("error", [StopIteration, GeneratorExit, asyncio.CancelledError])
async def test_what_would_end_a_coroutine_is_told_as_an_error(error: type[BaseException]) -> None:
    def fn() -> None:
        raise error

    with pytest.raises(RuntimeError, match=error.__name__):
        await Code.of(fn, ()).call(context())


async def test_one_that_hangs_is_left_behind_when_it_is_cancelled() -> None:
    begun, end = threading.Event(), threading.Event()

    def hang() -> None:
        begun.set()
        end.wait()

    task = asyncio.create_task(off_the_loop(hang))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    end.set()


def _starred(*a: int) -> None: ...
def _keywords(**a: int) -> None: ...
def _positional(a: int, /) -> None: ...
def _misspelt(vlaue: int) -> None: ...


@pytest.mark.parametrize(
    ("fn", "told"),
    [
        (_starred, "must be one that can be given by name"),
        (_keywords, "must be one that can be given by name"),
        (_positional, "must be one that can be given by name"),
        (_misspelt, "'vlaue' is bound to nothing; did you mean 'value'? (there is value, ctx)"),
    ],
)
def test_what_cannot_be_given_is_refused_when_it_is_named(fn: Callable[..., None], told: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        Code.of(fn, ("value", "ctx"))
    assert told in str(refused.value)
