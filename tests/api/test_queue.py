"""Which job is next: on a file and on Redis, with many that take, after a restart, with rubbish in it."""

from __future__ import annotations

import pickle
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import redis

from docparse.api.job import BULK, URGENT, USUAL, Job, new_id
from docparse.api.queue import HueyQueue
from docparse.errors import StoreUnavailable
from tests.api.redis_server import PROGRAM, WHY_NOT, redis_server
from tests.api.stores import Place, job


@pytest.fixture
def queue(place: Place) -> Iterator[HueyQueue]:
    queue = HueyQueue(place.queue, name=place.prefix)
    yield queue
    queue.close()


def put(queue: HueyQueue, priority: int = USUAL, turn: int = 0) -> str:
    id = new_id()
    queue.put(id, priority, turn)
    return id


def take_all(queue: HueyQueue) -> list[str]:
    return list(iter(lambda: queue.take(0), None))


def test_priority_then_turn_then_as_they_came(queue: HueyQueue) -> None:
    wanted = [(BULK, 0), (USUAL, 1), (USUAL, 0), (USUAL, 999_999), (URGENT, 7), (USUAL, 0), (USUAL, 1), (BULK, 0)]
    ids = [put(queue, *order) for order in wanted]
    assert take_all(queue) == [ids[place] for place in (4, 2, 5, 1, 6, 3, 0, 7)]
    assert queue.take(0) is None


def test_what_was_put_in_is_there_after_a_restart(place: Place, queue: HueyQueue) -> None:
    ids = [put(queue) for _ in range(5)]
    queue.close()
    again = HueyQueue(place.queue, name=place.prefix)
    assert again.waiting() == set(ids)
    assert take_all(again) == ids
    again.close()


def test_refill_puts_in_what_is_missing(queue: HueyQueue) -> None:
    jobs: list[Job] = [replace(job(priority=number % 3), turn=number) for number in range(1000)]
    for one in jobs[::2]:
        queue.put(one.id, one.priority, one.turn)
    assert queue.refill(jobs) == 500
    assert queue.refill(jobs) == 0
    assert take_all(queue) == [one.id for one in sorted(jobs, key=lambda one: (one.priority, one.turn))]
    assert queue.refill([]) == 0


def test_one_who_waits_gets_it_at_once(place: Place, queue: HueyQueue) -> None:
    other = HueyQueue(place.queue, name=place.prefix)
    for putter in (queue, other):  # the second stands for another process: no bell rings
        with ThreadPoolExecutor(1) as pool:
            taken = pool.submit(queue.take, 60)
            time.sleep(0.1)
            id = put(putter)
            assert taken.result(timeout=50) == id
    other.close()


def test_each_comes_out_once(place: Place, queue: HueyQueue) -> None:
    others = [queue, HueyQueue(place.queue, name=place.prefix)]
    ids = {put(queue) for _ in range(120)}
    begin = threading.Barrier(6)

    def take(number: int) -> list[str]:
        begin.wait()
        return take_all(others[number % 2])

    with ThreadPoolExecutor(6) as pool:
        taken = [id for part in pool.map(take, range(6)) for id in part]
    assert sorted(taken) == sorted(ids)
    others[1].close()


def test_another_process_takes_too(place: Place, queue: HueyQueue) -> None:
    ids = {put(queue) for _ in range(60)}
    code = """
import sys
from docparse.api.queue import HueyQueue
queue = HueyQueue(sys.argv[1], name=sys.argv[2])
while id := queue.take(0):
    print(id, flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code, place.queue, place.prefix], stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        theirs = [process.stdout.readline().strip()]
        mine = take_all(queue)
        theirs += process.stdout.read().split()
    assert sorted(mine + [id for id in theirs if id]) == sorted(ids)


def test_nothing_in_the_queue_is_ever_run(place: Place, queue: HueyQueue, tmp_path: Path) -> None:
    """huey would unpickle it, and whoever can write to the queue could run what he likes."""

    class Hostile:
        def __reduce__(self) -> tuple[object, ...]:
            return (Path.touch, (tmp_path / "owned",))

    good = put(queue)
    for data in (pickle.dumps(Hostile()), b"", b"\xff" * 99, b"../../etc/passwd", new_id().encode() + b"\n"):
        queue._huey.storage.enqueue(data, 5)  # before all others
    assert len(queue.waiting()) >= 5
    assert queue.take(0) == good
    assert not (tmp_path / "owned").exists()
    with pytest.raises(ValueError, match="no job id"):
        queue.put("../x", 0)


@pytest.mark.parametrize("damage", [b"no database at all" * 500, b"middle"], ids=["none", "middle"])
def test_a_damaged_file_is_made_anew(tmp_path: Path, damage: bytes) -> None:
    path = tmp_path / "queue.sqlite"
    if damage == b"middle":
        first = HueyQueue(path)
        for _ in range(50):
            put(first)
        first.close()
        whole = path.read_bytes()
        damage = whole[:4096] + bytes(len(whole) - 4096)
    path.write_bytes(damage)
    queue = HueyQueue(path)
    assert (id := put(queue)) == queue.take(0)
    queue.close()
    assert len(id) == 32
    assert (tmp_path / "queue.sqlite.damaged").read_bytes() == damage
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_queue_that_cannot_be(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StoreUnavailable):
        HueyQueue(tmp_path / "file" / "queue.sqlite")


@pytest.mark.skipif(PROGRAM is None, reason=WHY_NOT)
def test_a_redis_that_dies_and_comes_back(tmp_path: Path) -> None:
    with redis_server(tmp_path) as server:
        queue = HueyQueue(server.url)
        one = job()
        queue.put(one.id, 1)
        server.kill()
        for ask in (lambda: queue.put(one.id, 1), lambda: queue.take(0), queue.waiting, lambda: queue.refill([one])):
            with pytest.raises(StoreUnavailable):
                ask()
        server.start()  # it wrote nothing down: the store knows
        assert queue.take(0) is None
        assert queue.refill([one]) == 1
        assert queue.take(1) == one.id
        queue.close()


def test_huey_is_where_we_think_it_is(place: Place, queue: HueyQueue) -> None:
    """The ids lie there as text, so that an operator can look at them."""
    id = put(queue)
    if place.kind == "sqlite":
        db = sqlite3.connect(place.queue)
        assert db.execute("SELECT data FROM task").fetchall() == [(id.encode(),)]
        db.close()
    else:
        client = redis.Redis.from_url(place.queue)
        assert [data[8:] for data in client.zrange(f"huey.redis.{place.prefix}", 0, -1)] == [id.encode()]
        client.close()
