"""Whose page is next: as a table of who comes when, and what holds for every order of comings and goings."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from docparse.api.fairness import FairQueue

# What comes, as words of priority (1 unless it is said), client and job; ``.`` serves one. What is served.
TABLE = {
    "one client, one job: as they came": ("a a a . . .", "a1 a2 a3"),
    "who comes new is next": ("a a a a . b . . .", "a1 b1 a2 a3"),
    "two clients alternate": ("a a a b b b . . . . . .", "a1 b1 a2 b2 a3 b3"),
    "a client that comes back is not behind": ("a a a b . . . b . .", "a1 b1 a2 b2 a3"),
    "who was away saves nothing up": ("a a a a a . . . b b b b . . . .", "a1 a2 a3 b1 a4 b2 a5"),
    "jobs of one client take turns too": ("a/x a/x a/x a/y . . . .", "a/x1 a/y1 a/x2 a/x3"),
    "many jobs do not make many turns": ("a/x a/y a/z b . . . .", "a/x1 b1 a/y1 a/z1"),
    "urgent first": ("a a 0:b . 0:a . .", "0:b1 0:a1 a1"),
    "classes do not share turns": ("2:a 2:a 1:a 1:b . . . .", "1:a1 1:b1 2:a1 2:a2"),
}


@pytest.mark.parametrize("case", TABLE)
def test_the_table(case: str) -> None:
    comes, expected = TABLE[case]
    queue: FairQueue[str] = FairQueue()
    count: Counter[str] = Counter()
    served = []
    for word in comes.split():
        if word == ".":
            served.append(queue.pop())
            continue
        count[word] += 1
        priority, _, who = word.rpartition(":")
        client, _, job = who.partition("/")
        queue.push(f"{word}{count[word]}", priority=int(priority or 1), client=client, job=job)
    assert " ".join(served) == expected


def test_nothing_waits() -> None:
    queue: FairQueue[int] = FairQueue()
    with pytest.raises(IndexError):
        queue.pop()
    queue.push(1, priority=1, client="a")
    assert len(queue) == 1
    assert queue.pop() == 1
    assert not queue


def test_urgent_ones_without_end_do_not_stop_the_rest() -> None:
    queue: FairQueue[str] = FairQueue(patience=16)
    for _ in range(3):
        queue.push("bulk", priority=2, client="a")
        queue.push("usual", priority=1, client="a")
    served = []
    for _ in range(60):
        queue.push("urgent", priority=0, client="b")
        served.append(queue.pop())
    assert [served.count(kind) for kind in ("urgent", "usual", "bulk")] == [54, 3, 3]
    assert "usual" in served[:17]
    assert "bulk" in served[:18]


def test_what_is_taken_back_costs_no_turn() -> None:
    queue: FairQueue[str] = FairQueue()
    for n in range(100):
        queue.push(f"a{n}", priority=1, client="a", job="old")
    queue.push("b0", priority=1, client="b")
    assert queue.pop() == "a0"
    assert len(queue.remove(lambda item: item.startswith("a"))) == 99
    queue.push("a-new", priority=1, client="a", job="new")
    queue.push("b1", priority=1, client="b")
    assert [queue.pop() for _ in range(len(queue))] == ["b0", "a-new", "b1"]


COMINGS = st.lists(
    st.one_of(
        st.none(),
        st.tuples(st.integers(0, 2), st.sampled_from("abcd"), st.sampled_from("xyz")),
        st.tuples(st.just("remove"), st.sampled_from("abcd"), st.sampled_from("xyz")),
    ),
    max_size=120,
)


@given(COMINGS)
def test_nothing_is_lost_nor_served_twice_and_jobs_keep_their_order(comings: list[tuple[int, str, str] | None]) -> None:
    queue: FairQueue[tuple[int, str, str, int]] = FairQueue()
    waiting: list[tuple[int, str, str, int]] = []
    for number, coming in enumerate(comings):
        if coming is None:
            if waiting:
                item = queue.pop()
                assert item == next(w for w in waiting if w[:3] == item[:3]), "first come first within a job"
                waiting.remove(item)
        elif coming[0] == "remove":
            gone = queue.remove(lambda item, who=coming[1:]: item[1:3] == who)  # type: ignore[misc]
            assert sorted(gone) == sorted(w for w in waiting if w[1:3] == coming[1:])
            waiting = [w for w in waiting if w not in gone]
        else:
            item = (*coming, number)
            queue.push(item, priority=coming[0], client=coming[1], job=coming[2])
            waiting.append(item)
        assert len(queue) == len(waiting)
        assert sorted(queue) == sorted(waiting)
    while waiting:
        waiting.remove(queue.pop())
    assert not queue


@given(st.lists(st.integers(1, 40), min_size=2, max_size=5), st.integers(0, 30))
def test_clients_that_always_have_work_are_served_alike(sizes: list[int], before: int) -> None:
    """As long as all of them wait, their turns differ by one at most, however much each brought, and whenever."""
    queue: FairQueue[int] = FairQueue()
    for _ in range(before + 41):
        queue.push(0, priority=1, client=0)
    for _ in range(before):
        queue.pop()
    left = Counter({0: 41})
    for client, size in enumerate(sizes, 1):
        left[client] = size
        for _ in range(size):
            queue.push(client, priority=1, client=client)
    served: Counter[int] = Counter()
    while min(left.values()) > 0:
        client = queue.pop()
        served[client] += 1
        left[client] -= 1
        waiting = [served[c] for c in left]
        assert max(waiting) - min(waiting) <= 1


@given(st.integers(1, 500), st.integers(0, 60))
def test_a_single_page_waits_for_one_other_at_most(pages: int, begun: int) -> None:
    queue: FairQueue[str] = FairQueue()
    for _ in range(pages):
        queue.push("large", priority=1, client="a", job="large")
    for _ in range(min(begun, pages)):
        queue.pop()
    queue.push("other client", priority=1, client="b")
    queue.push("same client", priority=1, client="a", job="small")
    order = [queue.pop() for _ in range(len(queue))]
    assert order.index("other client") <= 1
    assert order.index("same client") <= 3


def test_clients_that_come_once_are_forgotten() -> None:
    queue: FairQueue[int] = FairQueue()
    queue.push(-1, priority=1, client="who stays")
    for n in range(5000):
        queue.push(n, priority=1, client=n)
        queue.push(n, priority=1, client="who stays")
        queue.pop()
        queue.pop()
    (turns,) = queue._classes.values()
    assert len(turns._last) < 300
