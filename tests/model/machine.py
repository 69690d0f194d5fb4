"""The rules by which Hypothesis drives a scene: each is one step.

What is drawn never depends on the board, so that a scene is the same scene whatever the server does; guards such
as "at the present commit" get their meaning when the step is taken.
"""

from __future__ import annotations

import gc
from typing import TYPE_CHECKING, ClassVar, Final

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule, run_state_machine_as_test

from tests.model.choices import (
    AUTHORS,
    FUNCTIONS,
    GUARDS,
    KEYS,
    ONCES,
    PASSES_MS,
    PATTERNS,
    STATUSES,
    TTLS_MS,
    VALUES,
    WHICH,
    WRITES,
    CommitChoice,
)
from tests.model.steps import Steps

if TYPE_CHECKING:
    from tests.model.scene import World

STEPS: Final = 100
"""of one scene"""
RESTARTS: Final = 2
"""of a scene that has any; half of them have"""
DEAR: Final = 8
"""steps of one scene that each cost as much as ten commits"""

CLIENT = st.integers(0, len(AUTHORS) - 1)
KEY = st.sampled_from(KEYS)
VALUE = st.integers(0, len(VALUES) - 1)
TTL_MS = st.sampled_from(TTLS_MS)
STATUS = st.sampled_from(STATUSES)
ONCE = st.sampled_from(("",) * 8 + ONCES)
WHICH_COMMIT = st.sampled_from(("present", "present", *WHICH))
PATTERN = st.integers(0, len(PATTERNS) - 1)
TURNS = st.integers(0, 3)
COMMIT = st.tuples(
    st.lists(st.sampled_from(GUARDS), max_size=3),
    st.lists(st.sampled_from(WRITES), max_size=3),
    st.sampled_from(("",) * 24 + ONCES),
)
COMMITS = st.lists(COMMIT, min_size=1, max_size=5)


class Machine(RuleBasedStateMachine):
    """A scene in the world of the subclass that :func:`drive` makes."""

    world: ClassVar[World]

    def __init__(self) -> None:
        super().__init__()
        self.scene = Steps(self.world)
        self.restarts = 0
        self.dear = DEAR

    @property
    def on_a_server(self) -> bool:
        """Whether there are connections to break."""
        return self.world.server is not None

    def teardown(self) -> None:
        if self.broken:
            self.scene.leave()
        else:
            self.scene.finish()

    broken = False

    def step(self, name: str, **what: object) -> None:
        """Take a step; after one that failed the rest of the scene means nothing."""
        try:
            self.scene.step(name, **what)
        except BaseException:
            self.broken = True
            raise

    @initialize(scene=st.integers(0, 3))
    def setting(self, scene: int) -> None:
        """Whether the server restarts in this scene."""
        self.restarts = RESTARTS if scene > 1 and self.on_a_server else 0

    @rule(by=CLIENT, commits=COMMITS)
    def burst(self, by: int, commits: list[CommitChoice]) -> None:
        self.step("burst", by=by, commits=commits)

    @rule(by=CLIENT, commits=COMMITS)
    def another_burst(self, by: int, commits: list[CommitChoice]) -> None:
        self.step("burst", by=by, commits=commits)

    @rule(bursts=st.lists(st.lists(COMMIT, min_size=1, max_size=3), min_size=2, max_size=3))
    def race(self, bursts: list[list[CommitChoice]]) -> None:
        self.step("race", bursts=bursts)

    @rule(by=CLIENT, commits=COMMITS)
    def flood(self, by: int, commits: list[CommitChoice]) -> None:
        self.step("flood", by=by, commits=commits)

    @rule(by=CLIENT, key=KEY, value=VALUE, ttl_ms=TTL_MS, status=STATUS, once=ONCE)
    def create(self, *, by: int, key: str, value: int, ttl_ms: int, status: str, once: str) -> None:
        self.step("create", by=by, key=key, value=value, ttl_ms=ttl_ms, status=status, once=once)

    @rule(by=CLIENT, key=KEY, value=VALUE, ttl_ms=TTL_MS, status=STATUS, once=ONCE)
    def put(self, *, by: int, key: str, value: int, ttl_ms: int, status: str, once: str) -> None:
        self.step("put", by=by, key=key, value=value, ttl_ms=ttl_ms, status=status, once=once)

    @rule(by=CLIENT, key=KEY, which=WHICH_COMMIT, value=VALUE, ttl_ms=TTL_MS, status=STATUS)
    def replace(self, *, by: int, key: str, which: str, value: int, ttl_ms: int, status: str) -> None:
        self.step("replace", by=by, key=key, which=which, value=value, ttl_ms=ttl_ms, status=status)

    @rule(by=CLIENT, key=KEY, which=st.sampled_from(("", "present", "stale", "era")))
    def delete(self, by: int, key: str, which: str) -> None:
        self.step("delete", by=by, key=key, which=which)

    @rule(by=CLIENT, ttl_ms=st.sampled_from((50, 1000)))
    def crowd(self, by: int, ttl_ms: int) -> None:
        self.step("crowd", by=by, ttl_ms=ttl_ms)

    @precondition(lambda self: self.dear > 0)
    @rule(by=CLIENT)
    def heavy(self, by: int) -> None:
        self.dear -= 1
        self.step("heavy", by=by)

    @rule(by=CLIENT, which=st.integers(0, 9))
    def again(self, by: int, which: int) -> None:
        self.step("again", by=by, which=which)

    @rule(by=CLIENT, commit=COMMIT, hot=st.lists(KEY, min_size=1, max_size=2, unique=True))
    def update(self, by: int, commit: CommitChoice, hot: list[str]) -> None:
        self.step("update", by=by, commit=commit, hot=hot)

    @rule(by=CLIENT, key=KEY, functions=st.lists(st.sampled_from(sorted(FUNCTIONS)), min_size=1, max_size=3))
    def mutate(self, by: int, key: str, functions: list[str]) -> None:
        self.step("mutate", by=by, key=key, functions=functions)

    @rule(key=KEY, who=st.lists(st.tuples(CLIENT, st.sampled_from(("mutate", "update"))), min_size=2, max_size=4))
    def contend(self, key: str, who: list[tuple[int, str]]) -> None:
        self.step("contend", key=key, who=who)

    @rule(ms=st.sampled_from(PASSES_MS))
    def wait(self, ms: int) -> None:
        self.step("wait", ms=ms)

    @rule(by=CLIENT, ms=st.sampled_from(PASSES_MS))
    def sweep(self, by: int, ms: int) -> None:
        self.step("sweep", by=by, ms=ms)

    @rule(by=CLIENT, key=KEY)
    def get(self, by: int, key: str) -> None:
        self.step("get", by=by, key=key)

    @rule(by=CLIENT, pattern=PATTERN)
    def find(self, by: int, pattern: int) -> None:
        self.step("find", by=by, pattern=pattern)

    @rule(by=CLIENT, key=KEY)
    def history(self, by: int, key: str) -> None:
        self.step("history", by=by, key=key)

    @rule(by=CLIENT, tenths=st.integers(0, 10), pattern=st.integers(-1, len(PATTERNS) - 1))
    def changes(self, by: int, tenths: int, pattern: int) -> None:
        self.step("changes", by=by, tenths=tenths, pattern=pattern)

    @rule(by=CLIENT, tenths=st.integers(0, 10))
    def at(self, by: int, tenths: int) -> None:
        self.step("at", by=by, tenths=tenths)

    @rule(by=CLIENT, other=CLIENT, pattern=PATTERN)
    def wait_for(self, by: int, other: int, pattern: int) -> None:
        self.step("wait_for", by=by, other=other, pattern=pattern)

    @rule(by=CLIENT, commits=COMMITS)
    def flush_scripts(self, by: int, commits: list[CommitChoice]) -> None:
        self.step("flush_scripts", by=by, commits=commits)

    @precondition(lambda self: self.dear > 0)
    @rule(by=CLIENT)
    def another_server(self, by: int) -> None:
        self.dear -= 1
        self.step("another_server", by=by)

    @precondition(lambda self: self.dear > 0)
    @rule(by=CLIENT, commits=st.lists(COMMIT, max_size=3), turns=TURNS)
    def die(self, by: int, commits: list[CommitChoice], turns: int) -> None:
        self.dear -= 1
        self.step("die", by=by, commits=commits, turns=turns)

    @precondition(lambda self: self.on_a_server and self.dear > 0)
    @rule(by=CLIENT, commits=st.lists(COMMIT, max_size=3), turns=TURNS)
    def cut(self, by: int, commits: list[CommitChoice], turns: int) -> None:
        self.dear -= 1
        self.step("cut", by=by, commits=commits, turns=turns)

    @precondition(lambda self: self.restarts > 0)
    @rule(by=CLIENT, commits=st.lists(COMMIT, max_size=3), turns=TURNS)
    def restart(self, by: int, commits: list[CommitChoice], turns: int) -> None:
        self.restarts -= 1
        self.step("restart", by=by, commits=commits, turns=turns)


def drive(world: World, scenes: int, number: int) -> None:
    """Take ``scenes`` scenes of :data:`STEPS` steps in ``world``, those of the seed ``number``.

    Raises what the shortest scene raised that Hypothesis found after the first that failed.
    """
    # Clients that were thrown away are ended here and not while Hypothesis has source parsed, which some releases of
    # Python 3.11 do not stand.
    gc.collect()
    machine: type[Machine] = seed(number)(type("Driven", (Machine,), {"world": world}))
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=scenes,
            stateful_step_count=STEPS + 1,  # the first is the setting
            database=None,
            deadline=None,
            phases=[Phase.generate, Phase.shrink],
            suppress_health_check=list(HealthCheck),
            report_multiple_bugs=False,
        ),
        _min_steps=STEPS,
    )
