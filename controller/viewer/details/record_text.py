"""What a record's detail says: its head, its value, its versions, where it came from and who has to do with it.

Pure: what was read goes in, sections come out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple

from blackboard.commands.record_view import author_of, instant
from blackboard.errors import Corrupt
from blackboard.record import FULL_TRUST
from controller.past import causes_of, parsed, writers_of
from controller.viewer.details.page import Entry, Section, fact, told
from controller.viewer.details.value_text import change_entries, value_entries
from controller.viewer.target import Target, target_of
from controller.viewer.why_not_text import clause_line
from controller.viewer.why_text import ENDINGS
from controller.why_not import clauses_on

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from blackboard.control_records import Agent
    from blackboard.log import Change
    from blackboard.pattern import Pattern
    from blackboard.record import Record

MOST_NAMED: Final = 100
"""causes, effects and watchers that are named, of each kind"""


class Versions(NamedTuple):
    """The versions that are known of one record, the newest first, and the one that is looked at."""

    changes: Sequence[Change]
    at: int
    whole: bool
    """there are none before the last of them that the log tells of"""

    @property
    def chosen(self) -> Change:
        return self.changes[self.at]

    @property
    def before(self) -> Change | None:
        """The one that the chosen one replaced, where it is known."""
        return self.changes[self.at + 1] if self.at + 1 < len(self.changes) else None


def head(key: str, change: Change, present: Record[Any] | None, agents: Mapping[str, Any]) -> list[Entry]:
    """Who wrote this version, when, for what, and whether it stands."""
    record = change.record
    if record is None:
        how = "its time was over" if change.operation == "expire" else f"removed by {change.author or 'nobody named'}"
        return [fact("gone", f"{how}, {instant(change.time_ms)}, commit {change.commit}", None, "bad")]
    entries = [
        fact("commit", f"{record.commit}, version {record.version}"),
        fact("written", instant(record.time_ms), moment_ms=record.time_ms),
    ]
    if present is None or present.commit != record.commit:
        since = f"{present.commit} stands there" if present is not None else "nothing stands there"
        entries.append(fact("older", f"this is not the newest version: {since}", Target("record", key), "warn"))
    try:
        entries += _stamped(record, agents)
    except Corrupt as error:
        entries.append(fact("unreadable", error, None, "bad"))
    return entries


def _stamped(record: Record[Any], agents: Mapping[str, Any]) -> list[Entry]:
    author, trust = record.author, f"{record.trust} of {FULL_TRUST}"
    entries = [fact("by", author or "nobody named", Target("agent", author) if author in agents else None)]
    if record.activation:
        entries.append(fact("activation", record.activation, Target("activation", record.activation)))
    if record.case:
        entries.append(fact("case", record.case, Target("case", record.case)))
    if record.status:
        entries.append(fact("status", record.status, None, "warn"))
    if record.expires_ms:
        entries.append(fact("expires", instant(record.expires_ms), moment_ms=record.expires_ms))
    if record.depth or record.trust != FULL_TRUST:
        entries.append(fact("depth", f"{record.depth}, trust {trust}"))
    own = target_of(record.key)
    if own.kind != "record":
        entries.append(fact("tells of", f"{own.kind} {own.name}", own))
    return entries


def content(versions: Versions, *, diff: bool) -> Section:
    """The value of the chosen version, or what is not the same as in the one before."""
    record, before = versions.chosen.record, versions.before
    if record is None:
        return Section("Value", (told("it is not there any more", None, "dim"),), "value")
    try:
        if not diff:
            return Section(f"Value, {len(record.head.value):,} bytes packed", value_entries(record.value), "value")
        if before is None or before.record is None:
            replaced = versions.chosen.previous_commit
            text = "the log does not tell what stood there before" if replaced else "nothing stood there before"
            return Section("Changed", (told(text, None, "dim"), *value_entries(record.value)), "value")
        entries = change_entries(before.record.value, record.value)
        if before.record.status != record.status:
            entries += change_entries({"(status)": before.record.status}, {"(status)": record.status})
        return Section(f"Changed since version {before.record.version}", entries, "value")
    except Corrupt as error:
        return Section("Value", (told(error, None, "bad"),), "value")


def listed(key: str, versions: Versions) -> Section:
    """The versions that are known, the chosen one marked."""
    entries = []
    for number, change in enumerate(versions.changes):
        mark = "▸" if number == versions.at else " "
        version = f"v{change.record.version}" if change.record is not None else change.operation
        text = f"{mark} {version:<7} {change.commit:<10} {instant(change.time_ms)}  {_author(change)}"
        target = Target("record", key, change.commit) if change.record is not None else None
        entries.append(told(text, target, "lit" if number == versions.at else "link"))
    if not versions.whole:
        entries.append(told("  … and earlier ones", None, "dim"))
    elif versions.changes[-1].previous_commit:
        entries.append(told("  what stood there before, the log no longer tells", None, "dim"))
    return Section("Versions", entries)


def _author(change: Change) -> str:
    try:
        return author_of(change) or "nobody named"
    except Corrupt:
        return "nobody knows who"


def causes(record: Record[Any], activations: Mapping[str, Record[Any]]) -> Section:
    """The records that it came from, each as it was then."""
    try:
        references = causes_of(record, activations)
    except Corrupt:
        return Section("Came from", ())
    pairs = [reference.rpartition("@") for reference in references[:MOST_NAMED]]
    entries = [told(f"{key}@{commit}", target_of(key, commit)) for key, _, commit in pairs]
    return Section("Came from", _ended(entries, len(references)))


def effects(record: Record[Any], cases: Mapping[str, Mapping[str, Record[Any]]]) -> Section:
    """The activations of its case that this very version set off."""
    entries = []
    try:
        of_case = cases.get(record.case, {})
    except Corrupt:
        of_case = {}
    for activation, one in of_case.items():
        if any(key == record.key and commit == record.commit for _, key, commit in one.value["triggers"]):
            wrote = f": {', '.join(one.value['wrote'])}" if one.value.get("wrote") else ""
            text = f"{one.value['agent']} {ENDINGS[one.value['state']]}{wrote}"
            entries.append(told(text, Target("activation", activation)))
    return Section("Set off", _ended(entries[:MOST_NAMED], len(entries)))


def watchers(key: str, record: Record[Any] | None, agents: Mapping[str, Record[Any]]) -> list[Section]:
    """Who watches the key, with whether what it asks for holds now; and who may write it."""
    watching: list[Entry] = []
    writing: list[Entry] = []
    for name, entry in sorted(agents.items()):
        agent: Agent = entry.value
        for alias, text in _asked(agent):
            for pattern in parsed([text]):
                watching += _watching(name, alias, pattern, key, record)
        patterns = ", ".join(pattern.text for pattern in writers_of(agent, key))
        if patterns:
            writing.append(told(f"{name}: {patterns}", Target("agent", name)))
    return [
        Section("Who watches it", _ended(watching[: 4 * MOST_NAMED], len(watching))),
        Section("Who may write it", _ended(writing[:MOST_NAMED], len(writing))),
    ]


def _asked(agent: Agent) -> list[tuple[str, str]]:
    """Every pattern by which an agent looks at records, with what for."""
    asked = list(agent["watches"].items())
    asked += [(f"collects {alias}", clause["pattern"]) for alias, clause in agent.get("collects", {}).items()]
    asked += [("unless", text) for text in agent["unless"]]
    return asked + ([("validates", agent["validates"])] if "validates" in agent else [])


def _watching(name: str, alias: str, pattern: Pattern, key: str, record: Record[Any] | None) -> list[Entry]:
    if pattern.match_key(key) is None:
        return []
    target = Target("agent", name)
    if record is None or pattern.predicate is None:
        return [told(f"{name}, {alias}: {pattern.text}", target)]
    try:
        fails = [clause for clause in clauses_on(pattern, record) if clause.holds is not True]
    except Corrupt:
        return [told(f"{name}, {alias}: {pattern.text}: the value cannot be read", target, "warn")]
    if not fails:
        return [told(f"{name}, {alias}: {pattern.text}: holds now", target, "good")]
    entries = [told(f"{name}, {alias}: {pattern.text}: does not hold now", target, "warn")]
    return entries + [told(f"    {clause_line(clause)}", None, indent=8) for clause in fails]


def _ended(entries: list[Entry], count: int) -> list[Entry]:
    """``entries``, with how many there would be more."""
    return [*entries, told(f"… and {count - len(entries):,} more", None, "dim")] if count > len(entries) else entries
