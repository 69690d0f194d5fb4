"""What clients were told, held against the log."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from tests.proof.claims import by_author_and_write, candidates, unexplained
from tests.proof.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.proof.dump import LoggedCommit
    from tests.proof.history import Commit
    from tests.proof.run import Run


def _name(commit: Commit) -> str:
    return f"commit {commit.number} of {commit.client}"


def acknowledged(run: Run) -> list[Violation]:
    """Every acknowledged commit is in the log with exactly its author and its writes."""
    found = []
    for commit in run.history.commits:
        if commit.outcome != "done":
            continue
        named = commit.commit or commit.repeated
        if not named:
            found += [f"{_name(commit)} changed {k} and has no name" for (k, _), r in _writes(commit) if r[2]]
        elif commit.commit and not run.trimmed(commit.commit) and not run.lost(commit.commit):
            entry = run.entries.get(commit.commit)
            if entry is None:
                found.append(f"{_name(commit)} was acknowledged as {commit.commit}, which is not in the log")
            else:
                found += _differences(commit, entry)
    return [Violation("acknowledged", sentence) for sentence in found]


def _writes(commit: Commit) -> Iterator[tuple[tuple[str, str], tuple[str, int, bool]]]:
    return zip(commit.writes, commit.results, strict=True)


def _differences(commit: Commit, entry: LoggedCommit) -> Iterator[str]:
    told = [(key, mark, version) for (key, mark), (_, version, changed) in _writes(commit) if changed]
    logged = [(change.key, change.mark, change.version) for change in entry.changes]
    if told != logged:
        yield f"{_name(commit)} was acknowledged as {entry.commit} with {told}, and the log holds {logged}"
    if entry.author != commit.author and not commit.repeated:
        yield f"{_name(commit)} is of {commit.author!r}, and the log holds {entry.commit} of {entry.author!r}"
    for (key, _), (stands, _, changed) in _writes(commit):
        if changed and stands != commit.commit:
            yield f"{_name(commit)}, {commit.commit}, was told that {stands} stands at {key}"


def unique_names(run: Run) -> list[Violation]:
    """No name of a commit was given to two commits, in this history or in one that was lost."""
    first: dict[str, Commit] = {}
    found = []
    for commit in run.history.commits:
        if commit.outcome == "done" and commit.commit and not commit.repeated:
            other = first.setdefault(commit.commit, commit)
            if other is not commit:
                found.append(f"{_name(other)} and {_name(commit)} were both acknowledged as {commit.commit}")
    return [Violation("unique_names", sentence) for sentence in found]


def accounted(run: Run) -> list[Violation]:
    """Every entry is a commit that somebody sent: acknowledged, or of unknown outcome, and each of those once."""
    claimed = {entry.commit for entry in run.claims.values()}
    left = [entry for entry in unexplained(run.history, run.dump) if entry.commit not in claimed]
    if not left:
        return []
    sent = by_author_and_write(run.history.commits)
    found = []
    for entry in left:
        owners = candidates(sent, entry)
        refused = [commit for commit in owners if commit.outcome == "refused"]
        if refused:
            found.append(f"{_name(refused[0])} was refused ({refused[0].error}) and is in the log as {entry.commit}")
        elif owners:
            found.append(f"{_name(owners[0])} is in the log once more, as {entry.commit}")
        elif run.complete:
            found.append(f"{entry.commit} in the log, of {entry.author!r}, is a commit that nobody sent")
    return [Violation("accounted", sentence) for sentence in found]


def guards(run: Run) -> list[Violation]:
    """Every guard of an applied commit held in the state before it."""
    found = []
    before: dict[str, Commit] = {}
    for commit in run.history.commits:
        earlier, before[commit.client] = before.get(commit.client), commit
        entry = run.entry_of(commit)
        if entry is None:
            continue
        for guard in commit.guards:
            reason = _broken(run, guard, entry.revision - 1, earlier)
            if reason:
                found.append(f"{_name(commit)} was applied as {entry.commit}, though {reason}")
    return [Violation("guards", sentence) for sentence in found]


def _broken(run: Run, guard: tuple[str, str, str], revision: int, earlier: Commit | None) -> str:
    """Why ``guard`` did not hold after ``revision``, empty where it did."""
    kind, key, argument = guard
    if kind == "previous":
        refused = earlier is None or earlier.outcome == "refused"
        return "the commit before it was not" if refused else ""
    if kind == "unchanged":
        last = int(run.stood(key + "/", revision) or 0)
        since = int(argument.rpartition("-")[2])  # a revision, or the id of a commit
        return f"region {key} changed at {last}, after {argument}" if last > since else ""
    stood = run.stood(key, revision)
    holds = {"at": stood == argument, "absent": not stood, "present": bool(stood)}[kind]
    return (
        "" if holds else f"it was guarded by {key} {kind} {argument}".rstrip() + f", where {stood or 'nothing'} stood"
    )


def once(run: Run) -> list[Violation]:
    """What was sent under one idempotency key was applied once, and every repetition got the first result."""
    by_key: dict[str, list[Commit]] = defaultdict(list)
    for commit in run.history.commits:
        if commit.once:
            by_key[commit.once].append(commit)
    found = []
    for key, commits in by_key.items():
        applied = {entry.commit for commit in commits if (entry := run.entry_of(commit)) is not None}
        if len(applied) > 1:
            found.append(f"the key {key!r} was applied as {sorted(applied)}")
        # Who is recorded first need not have come first: the payloads that were accepted are compared.
        accepted = next((commit.payload for commit in commits if commit.outcome == "done"), "")
        for commit in commits:
            if commit.outcome == "done" and commit.payload != accepted:
                found.append(f"{_name(commit)} was accepted under the key {key!r} with another payload")
            if commit.error == "OnceMismatch" and all(other.payload == commit.payload for other in commits):
                found.append(f"{_name(commit)} was refused under the key {key!r}, which had no other payload")
            told = commit.commit
            if commit.repeated and told and told not in applied and not run.lost(told) and not run.trimmed(told):
                found.append(f"{_name(commit)} was told that the key {key!r} was applied as {told}")
    return [Violation("once", sentence) for sentence in found]
