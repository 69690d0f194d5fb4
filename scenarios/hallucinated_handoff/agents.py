"""A support agent that invents some of the teams it hands tickets to, and the two teams that there are."""

from __future__ import annotations

import re
from typing import Any

from knowledge_sources import Context, knowledge_source

MADE_UP = {"refund": "refunds_department", "delivery": "shipping_team", "both": "refund_teams"}
"""what the pretended model answers, by what the ticket is about"""


@knowledge_source(watches={"ticket": "ticket/{t}"}, unless="task/{t}", contributes="task/{t}")
async def support(ticket: Any, ctx: Context) -> None:
    """Hand the ticket to the team that the model names; told that there is none, to the nearest that there is."""
    ctx.usage("support-model", input_tokens=500, output_tokens=20, cost=0.002)
    team = MADE_UP[ticket["about"]]
    for failed in ctx.earlier:
        nearest = re.search(r"nearest: (\w+)", failed["error"])
        if failed["failure"] == "ungrounded" and nearest:
            team = nearest[1]
    task = {"to": team, "about": ticket["about"]}
    if ctx.config["handoff"]:
        ctx.handoff("task/{t}", task, to=team)
    else:  # a message to a mailbox that nobody may have
        ctx.post("task/{t}", task)


@knowledge_source(watches={"task": 'task/{t} where to == "refund_team"'}, contributes="answer/{t}")
async def refund_team(task: Any, ctx: Context) -> dict[str, str]:
    """Answer what is handed to the refund team."""
    return {"by": ctx.agent, "about": task["about"]}


@knowledge_source(watches={"task": 'task/{t} where to == "shipping_team"'}, contributes="answer/{t}")
async def shipping_team(task: Any, ctx: Context) -> dict[str, str]:
    """Answer what is handed to the shipping team."""
    return {"by": ctx.agent, "about": task["about"]}
