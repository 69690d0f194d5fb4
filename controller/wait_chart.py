"""A wait-for graph for people: as lines, and as a Mermaid flowchart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.mermaid import label

if TYPE_CHECKING:
    from collections.abc import Iterator

    from blackboard.control_records import WaitGraph


def lines(graph: WaitGraph) -> Iterator[str]:
    """One line for each wait, and one for each circle."""
    for wait in graph["waits"]:
        has = f"has {', '.join(wait['has'])}" if wait["has"] else "has nothing"
        for lacked in wait["lacks"]:
            who = f"which {' or '.join(lacked['writers'])} may write" if lacked["writers"] else "which nobody writes"
            yield f"{wait['name']} {has}, waits for {lacked['key']}, {who}"
    for circle in filter(None, graph["circles"]):
        yield f"circle: {' → '.join((*circle, circle[0]))}"
    if graph["cut"]:
        yield "there are more"


def flowchart(graph: WaitGraph) -> str:
    """The waits as boxes, those in a circle in bold; an arrow leads to who is waited for, and names the key."""
    circled = {name for circle in graph["circles"] for name in circle}
    nodes = {wait["name"]: f"w{number}" for number, wait in enumerate(graph["waits"])}
    text = ["flowchart LR"]
    text += [f'  {node}["{label(name)}"]' + (":::circle" if name in circled else "") for name, node in nodes.items()]
    for number, lacked in enumerate(_by_nobody(graph)):
        text.append(f'  n{number}(["{label(lacked[1])}"])')
        text.append(f"  {nodes[lacked[0]]} --> n{number}")
    text += [
        f'  {nodes[name]} -->|"{label(key)}"| {nodes[other]}'
        for name, other, key in graph["edges"]
        if name in nodes and other in nodes
    ]
    text.append("  classDef circle stroke-width:3px")
    return "\n".join(text) + "\n"


def _by_nobody(graph: WaitGraph) -> list[tuple[str, str]]:
    """The records that are waited for and that no wait leads to, each with its wait."""
    led = {(name, key) for name, _, key in graph["edges"]}
    return [
        (wait["name"], lacked["key"])
        for wait in graph["waits"]
        for lacked in wait["lacks"]
        if (wait["name"], lacked["key"]) not in led
    ]
