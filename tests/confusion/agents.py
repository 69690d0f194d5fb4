"""Agents that fail in a known way: for each class several, among them those that look like another class."""

from __future__ import annotations

import asyncio
import os
import threading
from typing import TYPE_CHECKING, Any, Final

from pydantic import BaseModel, TypeAdapter

from knowledge_sources import Context, Sure, ThreadContext, knowledge_source

if TYPE_CHECKING:
    from collections.abc import Callable

    from blackboard.control_records import FailureClass
    from knowledge_sources.source import KnowledgeSource

ONE_CALL: Final = {"attempts": 1}
LATE: Final = "150ms"
"""what an agent has that hangs"""
THREADS_MAY_END: Final = threading.Event()
"""set when all was seen: a process waits for its threads"""


class Money(BaseModel):
    amount: int


class Cashier(BaseModel):
    till: int


def _watching(name: str) -> dict[str, Any]:
    return {
        "watches": {"item": f"{name}/{{n}}"}, "contributes": f"{name}_done/{{n}}", "name": name, "retry": ONE_CALL,
    }  # fmt: skip


def error_agents() -> list[object]:
    """Raising, also what looks like lateness, bad data, a missing agent, the end of the process."""

    def raising(name: str, error: BaseException) -> object:
        @knowledge_source(**_watching(name))
        async def agent() -> None:
            raise error

        return agent

    @knowledge_source(**_watching("error_own_model"))
    async def own_model() -> None:
        TypeAdapter(int).validate_python("its own data, not what it was given or gives")

    @knowledge_source(**_watching("error_in_a_thread"))
    def in_a_thread() -> None:
        raise TimeoutError("the gateway did not answer")

    return [
        raising("error_plain", RuntimeError("no luck")),
        raising("error_timeout", TimeoutError("the gateway did not answer in time")),
        raising("error_unknown", KeyError("no agent is named 'refund_team'")),
        raising("error_exit", SystemExit(3)),
        raising("error_cancelled", asyncio.CancelledError()),
        raising("error_memory", MemoryError()),
        own_model,
        in_a_thread,
    ]


def invalid_agents() -> list[object]:
    """What is written or given is not what was declared."""

    @knowledge_source(**_watching("invalid_key"))
    async def key(ctx: Context) -> None:
        ctx.post("elsewhere/{n}", 1)

    @knowledge_source(**_watching("invalid_schema"))
    async def schema() -> Money:
        return {"amount": "a lot"}  # type: ignore[return-value]  # what is injected

    @knowledge_source(**_watching("invalid_value"))
    async def value() -> Any:
        return object()

    @knowledge_source(**_watching("invalid_size"))
    async def size() -> str:
        return "x" * (2 << 20)

    @knowledge_source(**_watching("invalid_trigger"))
    async def trigger(item: Cashier) -> int:
        return item.till

    @knowledge_source(**_watching("invalid_order"))
    def order(ctx: ThreadContext) -> None:
        ctx.update("another/{n}", lambda one: one)

    return [key, schema, value, size, trigger, order]


def ungrounded_agents() -> list[object]:
    """Naming somebody or something that there is not."""

    @knowledge_source(**_watching("ungrounded_agent"))
    async def agent(ctx: Context) -> None:
        ctx.handoff("ungrounded_agent_done/{n}", 1, to="refunds_department")

    @knowledge_source(**_watching("ungrounded_capability"))
    async def capability(ctx: Context) -> None:
        ctx.handoff("ungrounded_capability_done/{n}", 1, capability="refunding")

    @knowledge_source(**_watching("ungrounded_in_a_thread"))
    def in_a_thread(ctx: ThreadContext) -> None:
        ctx.handoff("ungrounded_in_a_thread_done/{n}", 1, to="nobody")

    return [agent, capability, in_a_thread]


def slow_agents() -> list[object]:
    """Late: by hanging, by meaning to fail later, by waiting for another."""

    @knowledge_source(**_watching("slow_hangs"), respond_within=LATE)
    async def hangs() -> None:
        await asyncio.get_running_loop().create_future()

    @knowledge_source(**_watching("slow_then_raises"), respond_within=LATE)
    async def then_raises() -> None:
        await asyncio.sleep(30)
        raise RuntimeError("nobody waited for this")

    @knowledge_source(**_watching("slow_in_a_thread"), respond_within=LATE)
    def in_a_thread() -> None:
        THREADS_MAY_END.wait()

    @knowledge_source(**_watching("slow_behind"), respond_within=LATE, max_running=1)
    async def behind() -> None:
        await asyncio.get_running_loop().create_future()

    return [hangs, then_raises, in_a_thread, behind]


def unsure_agents() -> list[object]:
    """Answering, and saying that it may be wrong."""

    @knowledge_source(**_watching("unsure_a_little"), threshold=0.8)
    async def a_little() -> Sure:
        return Sure({"team": "billing"}, 0.79)

    @knowledge_source(**_watching("unsure_wholly"), threshold=0.01)
    def wholly() -> Sure:
        return Sure({"team": "?"}, 0.0, reason="the letter is empty")

    return [a_little, wholly]


def over_budget_agents() -> list[object]:
    """The first spends what the case has, so that the second is not called."""

    @knowledge_source({"item": "over_budget_case/{n}"}, contributes="over_budget_spent/{n}", name="spender")
    async def spender(ctx: Context) -> int:
        ctx.usage("large", cost=2.0)
        return 1

    @knowledge_source({"item": "over_budget_spent/{n}"}, name="over_budget_case", retry=ONE_CALL)
    async def refused() -> None:
        raise AssertionError("there was no money for this call")

    return [spender, refused]


def stalled_agents() -> list[object]:
    """Going round for ever."""

    @knowledge_source({"item": "stalled_spins/{n}"}, contributes="stalled_spins/{n}", name="stalled_spins")
    async def spins(item: Any) -> Any:
        return {"round": item.get("round", 0) + 1}

    return [spins]


def dead_agents(*, dying: bool) -> list[object]:
    """Hanging until their process is killed; in the next one they do their work."""

    @knowledge_source(**_watching("dead_running"))
    async def running(ctx: Context) -> int:
        if dying:
            await asyncio.get_running_loop().create_future()
        return os.getpid()

    @knowledge_source(**_watching("dead_in_a_thread"))
    def in_a_thread() -> int:
        if dying:
            threading.Event().wait()
        return os.getpid()

    return [running, in_a_thread]


AGENTS: Final[dict[FailureClass, Callable[[], list[object]]]] = {
    "slow": slow_agents,
    "dead": lambda: dead_agents(dying=False),
    "error": error_agents,
    "invalid": invalid_agents,
    "ungrounded": ungrounded_agents,
    "unsure": unsure_agents,
    "over_budget": over_budget_agents,
    "stalled": stalled_agents,
}


def names_of(failure: FailureClass, sources: list[KnowledgeSource]) -> list[str]:
    """The agents that fail in that way, which are called after it."""
    return sorted(source.name for source in sources if source.name.startswith(f"{failure}_"))
