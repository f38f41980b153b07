"""Short files go to readers in bundles: as large as pays, as small as the end of a run wants them."""

from __future__ import annotations

import random
from collections import deque
from types import SimpleNamespace

import pytest

from docparse.batch.bundles import AIM, LEAST, MOST, SHARES, Bundles, Waiting, size_of

KB = 1000


def files(*sizes: int, alone: bool = False) -> deque[Waiting]:
    return deque(Waiting(size, 1.0, alone) for size in sizes)


def bundles(readers: int = 2, *, seconds: float | None = None, size: int = 100 * KB) -> Bundles:
    """Where a task is its size. ``seconds``: what files of ``size`` bytes have taken; None: nothing is known."""
    made = Bundles(readers, size_of=lambda task: task)
    for _ in range(8 if seconds is not None else 0):
        made.took(size, seconds or 0.0)
    return made


def test_as_long_as_nothing_is_known_a_task_is_one_file() -> None:
    unknown = bundles()
    assert unknown.usual == 1
    assert len(unknown.next(files(*[KB] * 1000))) == 1


@pytest.mark.parametrize(("seconds", "number"), [(0.01, MOST), (0.1, 15), (0.5, 3), (1.0, 1), (60.0, 1)])
def test_a_bundle_takes_as_long_as_it_should(seconds: float, number: int) -> None:
    known = bundles(seconds=seconds)
    assert known.usual == number
    assert len(known.next(files(*[100 * KB] * 1000))) == pytest.approx(number, abs=1)


def test_files_that_take_no_time_at_all_are_not_divided_by() -> None:
    assert bundles(seconds=0.0).usual == MOST
    assert len(bundles(seconds=0.1, size=0).next(files(*[0] * 1000))) == pytest.approx(AIM / 0.1, abs=1)


def test_large_files_are_taken_to_take_longer() -> None:
    known = bundles(seconds=0.1)
    small = len(known.next(files(*[10 * KB] * 1000)))
    large = len(known.next(files(*[1000 * KB] * 1000)))
    assert small > AIM / 0.1 > large
    waiting = files(100 * KB, 100 * KB, 100_000 * KB, 100 * KB)
    assert len(bundles(1, seconds=0.1).next(deque([*waiting, *files(*[100 * KB] * 100)]))) == 2, "the scan goes next"


def test_a_task_that_is_to_go_alone_does() -> None:
    known = bundles(seconds=0.01)
    waiting = deque([*files(1, alone=True), *files(2, 3), *files(4, alone=True), *files(*[5] * 100)])
    assert [[item.task for item in known.next(waiting)] for _ in range(3)] == [[1], [2, 3], [4]]


def test_towards_the_end_bundles_become_small_but_not_smaller_than_pays() -> None:
    known = bundles(2, seconds=0.05)
    waiting, sizes = files(*[100 * KB] * 100), []
    while waiting:
        sizes.append(len(known.next(waiting)))
    assert sum(sizes) == 100
    assert sizes[0] == 100 // (2 * SHARES)
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[-2] == LEAST / 0.05
    assert sizes[-1] <= sizes[-2]


def test_what_was_read_last_counts() -> None:
    known = bundles(seconds=1.0)
    for _ in range(64):
        known.took(100 * KB, 0.1)
    assert known.usual == 15


def test_nothing_is_lost_and_all_keep_their_order() -> None:
    chance = random.Random(4)
    known = bundles(3, seconds=0.02)
    waiting = deque(Waiting(chance.randrange(10**6), float(n), chance.random() < 0.1) for n in range(500))
    order, taken = list(waiting), []
    while waiting:
        bundle = known.next(waiting)
        assert 1 <= len(bundle) <= MOST
        assert len(bundle) == 1 or not any(item.alone for item in bundle)
        taken += bundle
    assert taken == order


def test_a_file_that_cannot_be_seen_has_no_size(tmp_path: object) -> None:
    assert size_of(SimpleNamespace(job=SimpleNamespace(path=f"{tmp_path}/nowhere.pdf", far=None))) == 0
    assert size_of(SimpleNamespace(job=SimpleNamespace(path=__file__, far=None))) > 1000
    elsewhere = SimpleNamespace(path="s3://bucket/a.pdf", far=SimpleNamespace(size=7))
    assert size_of(SimpleNamespace(job=elsewhere)) == 7
