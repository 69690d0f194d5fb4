"""Deadlines come due in order, once, and not after they were moved or removed."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from controller.deadlines import DeadlineHeap

ids = st.sampled_from([f"a{n}" for n in range(8)])
steps = st.one_of(
    st.tuples(st.just("set"), ids, st.integers(0, 100)),
    st.tuples(st.just("remove"), ids, st.just(0)),
    st.tuples(st.just("due"), st.just(""), st.integers(0, 100)),
)


@given(st.lists(steps, max_size=80))
def test_the_heap_agrees_with_a_plain_table(plan: list[tuple[str, str, int]]) -> None:
    """Whatever is set, moved, removed and taken out, the heap says what a sorted table says."""
    heap, table = DeadlineHeap(), dict[str, int]()
    for what, activation, time_ms in plan:
        if what == "set":
            heap.set(activation, time_ms)
            table[activation] = time_ms
        elif what == "remove":
            heap.remove(activation)
            table.pop(activation, None)
        else:
            due = sorted(((a, d) for a, d in table.items() if d <= time_ms), key=lambda pair: (pair[1], pair[0]))
            assert heap.due(time_ms) == due
            for name, _ in due:
                del table[name]
        assert heap.next_ms() == min(table.values(), default=None)
        assert len(heap) == len(table)
        assert all(heap.get(a) == table.get(a) for a in ("a0", "a1"))


def test_a_deadline_that_moves_for_ever_takes_no_more_room() -> None:
    """Ten thousand extensions leave one deadline and a bounded heap."""
    heap = DeadlineHeap()
    for n in range(10_000):
        heap.set("a", n)
    assert len(heap._heap) <= 67
    assert heap.due(10**6) == [("a", 9_999)]
    for n in range(10_000):
        heap.set(f"a{n}", 10**9)
        heap.remove(f"a{n}")
    assert len(heap._heap) <= 67
