"""A team drawn as a Mermaid flowchart: who watches and writes what."""

from __future__ import annotations

from typing import TYPE_CHECKING

from blackboard.mermaid import label
from blackboard.pattern import Pattern
from knowledge_sources.collect import Collecting

if TYPE_CHECKING:
    from collections.abc import Sequence

    from knowledge_sources.dependencies import Dependencies


def flowchart(dependencies: Dependencies) -> str:
    """The agents as boxes, the keys between them as rounded boxes; bold is fed, dotted is an ``unless``, red
    stands in a circle.

    A validator is shown at the keys that it validates, and sees what is proposed for them.
    A key that one writes and another watches under other words is one box for each, with a line between them.
    """
    lines = ["flowchart LR"]
    keys = _keys(dependencies)
    nodes = {text: f"k{number}" for number, text in enumerate(keys)}
    fed = {key.key_text for key in dependencies.fed}
    for text, node in nodes.items():
        lines.append(f'  {node}(["{label(text)}"])' + (":::fed" if text in fed else ""))
    circled = {source.name for circle in (*dependencies.deadlocks, *dependencies.loops) for source in circle}
    for number, source in enumerate(dependencies.sources):
        kind = ":::supervisor" if source.kind == "supervisor" else ":::circle" if source.name in circled else ""
        lines.append(f'  a{number}["{label(source.name)}"]{kind}')
    for number, source in enumerate(dependencies.sources):
        watching = source.watching
        if source.validates is not None:
            validated = Pattern.parse(source.validates)
            lines.append(f"  {nodes[validated.key_text]} -->|proposed| a{number}")
            watching = watching[1:]  # what it validates is its first watch
        for watch in watching:
            said = [watch.wanted] if isinstance(watch, Collecting) else []
            said += [watch.pattern.predicate.text] if watch.pattern.predicate is not None else []
            condition = f'|"{label(" where ".join(said))}"|' if said else ""
            lines.append(f"  {nodes[watch.pattern.key_text]} -->{condition} a{number}")
        lines += [f"  {nodes[pattern.key_text]} -.->|unless| a{number}" for pattern in source.unless]
        lines += [f"  a{number} --> {nodes[pattern.key_text]}" for pattern in source.contributes]
    lines += [f"  {nodes[one]} --- {nodes[other]}" for one, other in _alike(list(keys.values()))]
    lines.append("  classDef fed stroke-width:3px")
    lines.append("  classDef supervisor stroke-dasharray:4")
    if circled:
        lines.append("  classDef circle stroke:#c00,stroke-width:3px")
    return "\n".join(lines) + "\n"


def _keys(dependencies: Dependencies) -> dict[str, Pattern]:
    found = {key.key_text: key for key in dependencies.fed}
    for source in dependencies.sources:
        watched = [watch.pattern for watch in source.watching]
        if source.validates is not None:
            watched[0] = Pattern.parse(source.validates)
        for pattern in (*watched, *source.unless, *source.contributes):
            found.setdefault(pattern.key_text, pattern)
    return found


def _alike(patterns: Sequence[Pattern]) -> list[tuple[str, str]]:
    return [
        (one.key_text, other.key_text)
        for index, one in enumerate(patterns)
        for other in patterns[index + 1 :]
        if one.overlaps(other)
    ]
