"""Jobs are kept, whatever happens: both stores, one after the other, asked the same."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import redis

from docparse.api.job import BULK, STATES, URGENT, Failure, JobSpec, PageRecord, Upload, new_id
from docparse.api.ports import JobStore
from docparse.api.store import SqliteStore
from docparse.api.store_redis import RedisStore
from docparse.errors import (
    IdempotencyMismatch,
    JobNotFound,
    JobNotReady,
    PageRangeError,
    QueueFull,
    StoreUnavailable,
)
from tests.api.redis_server import PROGRAM, WHY_NOT, redis_server
from tests.api.stores import RETENTION, Clock, Place, job, opened


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def store(place: Place, clock: Clock) -> Iterator[JobStore]:
    with opened(place, clock) as store:
        yield store


def at_once(work: Callable[[int], Any], count: int) -> list[Any]:
    """What ``work`` gave, called from so many threads that begin together."""
    begin = threading.Barrier(count)

    def run(number: int) -> Any:
        begin.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


def read(number: int, **parts: Any) -> PageRecord:
    return PageRecord(number, "read", **{"status": "ok", "engine": "embedded", **parts})


# ------------------------------------------------------------------------------------ one job


def test_a_job_comes_back_as_it_was_after_a_restart(place: Place, clock: Clock) -> None:
    spec = JobSpec(
        "extract",
        "qwen",
        "1-5,r3-r1",
        144.5,
        "pass wörd",
        {"type": "object", "x": [1, None]},
        ("md", "json"),
        "https://x",
    )
    upload = Upload(new_id(), "Rechnung \udce4 №1\n🦜.pdf", 12, "ab" * 32, "application/pdf")
    given = replace(job("ann", spec=spec, idempotency_key="k 1"), upload=upload, priority=BULK)
    with opened(place, clock) as store:
        kept = store.add(given)
        assert kept == replace(given, created=clock.now, updated=clock.now)
        store.opened(kept.id, [3, 1])
        store.put_page(
            kept.id, page := read(3, reasons=(("box-empty", "A box."),), confidence=0.25, seconds=1.5, dpi=72.0)
        )
        clock.now += 5
        failed = store.set_state(kept.id, "failed", failure=Failure("source.corrupt", "It broke.", {"page": 3}))
    with opened(place, clock) as store:
        assert store.get(kept.id) == failed
        assert failed.failure == Failure("source.corrupt", "It broke.", {"page": 3})
        assert (failed.num_pages, failed.pages_read) == (2, 1)
        assert (failed.ended, failed.expires) == (clock.now, clock.now + RETENTION)
        assert store.pages(kept.id) == [PageRecord(1), page]
        told = [(event.number, event.kind, event.state, event.num_pages, event.page) for event in store.events(kept.id)]
        assert told == [
            (1, "state", "queued", None, None),
            (2, "opened", None, 2, None),
            (3, "page", None, None, page),
            (4, "state", "failed", None, None),
        ]


def test_nobody_sees_that_somebody_else_has_a_job(store: JobStore) -> None:
    mine, other = store.add(job("ann")), store.add(job("bob"))
    assert store.get(mine.id, owner="ann") == mine
    missing = []
    for id in (other.id, new_id(), "", "../../x", "%", "*"):
        with pytest.raises(JobNotFound) as caught:
            store.get(id, owner="ann")
        missing.append(str(caught.value))
    assert len(set(missing)) == 1  # one and the same answer
    assert store.jobs(owner="ann") == [mine]
    with pytest.raises(JobNotFound):
        store.jobs(owner="ann", before=other.id)
    assert store.get(other.id) == other


def test_jobs_newest_first_by_state_and_page_by_page(store: JobStore) -> None:
    added = [store.add(job("ann" if number % 3 else "bob")) for number in range(12)]
    for number in (1, 4, 5):
        store.set_state(added[number].id, "running")
    newest = added[::-1]
    mine = [one.id for one in newest if one.owner == "ann"]
    assert [one.id for one in store.jobs()] == [one.id for one in newest]
    assert [one.id for one in store.jobs(owner="ann", limit=3)] == mine[:3]
    assert [one.id for one in store.jobs(owner="ann", limit=3, before=mine[2])] == mine[3:6]
    assert [one.id for one in store.jobs(states=["running"])] == [added[number].id for number in (5, 4, 1)]
    assert [one.id for one in store.jobs(states=["running", "done"], limit=1, before=added[5].id)] == [added[4].id]
    assert store.jobs(before=added[0].id) == []


def test_the_states_of_a_job(store: JobStore, clock: Clock) -> None:
    one = store.add(job())
    clock.now += 1
    assert store.set_state(one.id, "running").started == clock.now
    first = clock.now
    clock.now += 1
    store.set_state(one.id, "running")  # told twice
    store.set_state(one.id, "queued")  # given back
    clock.now += 1
    assert store.set_state(one.id, "running").started == first
    done = store.set_state(one.id, "cancelled")
    assert done.over
    for state in STATES:
        assert store.set_state(one.id, state, failure=Failure("x.y", "too late")) == done
    assert [event.state for event in store.events(one.id)] == ["queued", "running", "queued", "running", "cancelled"]
    assert store.counts() == {"queued": 0, "running": 0, "done": 0, "failed": 0, "cancelled": 1}


def test_what_was_told_twice_counts_once(store: JobStore) -> None:
    one = store.add(job())
    for numbers in ([2, 5], [1, 2, 3]):
        store.opened(one.id, numbers)
    store.put_page(one.id, replace(read(2), state="reading"))
    for _ in range(3):
        store.put_page(one.id, read(2, engine="a"))
        store.put_page(one.id, read(2, engine="b"))
        store.put_page(one.id, PageRecord(2, "reading"))
    assert store.pages(one.id) == [read(2, engine="a"), PageRecord(5)]
    assert store.get(one.id).pages_read == 1
    assert [event.kind for event in store.events(one.id)] == ["state", "opened", "page"]
    with pytest.raises(PageRangeError):
        store.put_page(one.id, read(3))


def test_a_page_may_go_back_to_those_that_wait(store: JobStore) -> None:
    one = store.add(job())
    store.opened(one.id, [1])
    for record in (PageRecord(1, "reading"), PageRecord(1, "waiting", engine="qwen", dpi=300.0)):
        store.put_page(one.id, record)
        assert store.pages(one.id) == [record]
    assert len(store.events(one.id)) == 2


def test_a_page_is_read_again(store: JobStore, clock: Clock) -> None:
    one = store.add(job())
    store.opened(one.id, [1, 2])
    store.set_state(one.id, "running")
    store.put_page(one.id, read(1))
    with pytest.raises(JobNotReady):
        store.retry(one.id, 1)
    store.put_page(one.id, read(2))
    store.set_state(one.id, "done")
    with pytest.raises(PageRangeError):
        store.retry(one.id, 3)
    waits = store.retry(one.id, 2, engine="qwen", dpi=200.0)
    assert waits == PageRecord(2, "waiting", engine="qwen", dpi=200.0, attempt=2)
    again = store.get(one.id)
    assert (again.state, again.pages_read, again.ended, again.expires, again.failure) == ("queued", 1, None, None, None)
    assert [found.id for found in store.unfinished()] == [one.id]
    store.put_page(one.id, read(2))  # of the first attempt: it comes too late
    assert store.pages(one.id)[1] == waits
    store.put_page(one.id, better := read(2, attempt=2, engine="qwen"))
    assert store.pages(one.id) == [read(1), better]
    assert store.set_state(one.id, "done").over
    clock.now += RETENTION
    assert [found.id for found in store.expired(clock.now)] == [one.id]


def test_what_comes_after_the_end_comes_too_late(store: JobStore) -> None:
    one = store.add(job())
    store.opened(one.id, [1, 2])
    store.set_state(one.id, "cancelled")
    store.put_page(one.id, read(1))
    store.opened(one.id, [7])
    assert store.pages(one.id) == [PageRecord(1), PageRecord(2)]
    assert store.events(one.id)[-1].state == "cancelled"
    assert store.get(one.id).pages_read == 0


def test_events_from_anywhere_on(store: JobStore) -> None:
    one = store.add(job())
    store.opened(one.id, range(1, 31))
    for number in range(1, 31):
        store.put_page(one.id, read(number))
    told = store.events(one.id)
    assert [event.number for event in told] == list(range(1, 33))
    for after in (0, 1, 17, 32, 99):
        assert store.events(one.id, after=after) == told[after:]
        assert store.events(one.id, after=after, limit=5) == told[after : after + 5]


def test_a_job_is_forgotten_whole(store: JobStore, clock: Clock) -> None:
    gone, stays = store.add(job(idempotency_key="k")), store.add(job("bob", idempotency_key="k"))
    store.opened(gone.id, [1])
    assert store.kept() == ({gone.id, stays.id}, {gone.upload.key, stays.upload.key})
    for _ in range(2):
        store.remove(gone.id)
    for ask in (store.get, store.pages, store.events, store.position):
        with pytest.raises(JobNotFound):
            ask(gone.id)
    assert not store.lease(gone.id, "me", 1)
    with pytest.raises(JobNotFound):
        store.put_page(gone.id, read(1))
    assert store.jobs() == store.unfinished() == [stays]
    assert store.kept() == ({stays.id}, {stays.upload.key})
    assert store.add(job(idempotency_key="k", content="other")).id != gone.id  # the key is free again
    store.set_state(stays.id, "done")
    assert store.expired(clock.now + RETENTION - 1) == []
    assert [one.id for one in store.expired(clock.now + RETENTION)] == [stays.id]


# ------------------------------------------------------------------------------------ who is next


def test_clients_take_turns(store: JobStore) -> None:
    many = [store.add(job("ann")) for _ in range(50)]
    one = store.add(job("bob"))
    two = store.add(job("bob"))
    bulk = store.add(job("eve", priority=BULK))
    urgent = store.add(job("cat", priority=URGENT))
    assert [store.position(x.id) for x in (urgent, many[0], one, many[1], two, many[2])] == [0, 1, 2, 3, 4, 5]
    assert (store.position(many[-1].id), store.position(bulk.id)) == (52, 53)
    order = [found.id for found in store.unfinished()]
    assert [store.position(id) for id in order] == list(range(54))
    for x in (*many[:20], one):
        store.set_state(x.id, "running")
    assert store.position(many[0].id) == 0
    late = store.add(job("dan"))  # beside those whose turn it is now, not before all of them
    assert store.position(late.id) == store.position(two.id) + 1 == 2


def test_so_many_may_wait(store: JobStore) -> None:
    first = store.add(job(idempotency_key="a"), most_waiting=2)
    store.add(job("bob"), most_waiting=2)
    with pytest.raises(QueueFull, match="2 jobs wait"):
        store.add(job("cat"), most_waiting=2)
    assert store.add(job(idempotency_key="a"), most_waiting=2) == first  # it is no new one
    store.set_state(first.id, "running")
    store.add(job("cat"), most_waiting=2)


def test_no_more_may_wait_when_all_come_at_once(place: Place) -> None:
    with opened(place) as store, opened(place) as other:

        def add(number: int) -> bool:
            try:
                (store, other)[number % 2].add(job(f"client {number}"), most_waiting=7)
            except QueueFull:
                return False
            return True

        assert sum(at_once(add, 24)) == 7
        assert store.counts()["queued"] == 7
        assert sorted(store.position(one.id) for one in store.jobs()) == list(range(7))


# ------------------------------------------------------------------------------------ idempotency


def test_the_same_request_is_one_job(store: JobStore) -> None:
    first = store.add(job(content="a", idempotency_key="k"))
    assert store.add(job(content="a", idempotency_key="k")) == first
    assert store.add(job(content="a", idempotency_key="other")).id != first.id
    assert store.add(job("bob", content="a", idempotency_key="k")).id != first.id
    assert store.add(job("ann", content="a")).id != first.id
    with pytest.raises(IdempotencyMismatch, match="another file"):
        store.add(job(content="b", idempotency_key="k"))
    with pytest.raises(IdempotencyMismatch, match="something else"):
        store.add(job(content="a", spec=JobSpec(pages="2"), idempotency_key="k"))
    done = store.set_state(first.id, "done")
    assert store.add(job(content="a", idempotency_key="k")) == done


def test_the_same_request_many_times_at_once_is_one_job(place: Place) -> None:
    with opened(place) as store, opened(place) as other:
        ids = at_once(lambda number: (store, other)[number % 2].add(job(idempotency_key="k")).id, 16)
        assert len(set(ids)) == 1
        assert len(store.jobs()) == 1


# ------------------------------------------------------------------------------------ leases


def test_a_lease(store: JobStore, clock: Clock) -> None:
    one = store.add(job())
    assert store.lease(one.id, "a", 10)
    assert not store.lease(one.id, "b", 10)
    assert store.unfinished() == []
    clock.now += 9
    assert store.lease(one.id, "a", 10)  # renewed
    clock.now += 9
    store.release(one.id, "b")
    assert not store.lease(one.id, "b", 10)
    clock.now += 1
    assert [found.id for found in store.unfinished()] == [one.id]  # it ran out
    assert store.lease(one.id, "b", 10)
    assert not store.lease(one.id, "a", 10)
    store.release(one.id, "b")
    store.release(one.id, "b")
    assert store.lease(one.id, "a", 10)
    store.set_state(one.id, "done")
    assert not store.lease(one.id, "a", 10)
    store.opened(one.id, [])
    assert store.unfinished() == []
    assert not store.lease(new_id(), "a", 10)


def test_one_of_many_gets_the_lease(place: Place) -> None:
    with opened(place) as store, opened(place) as other:
        for _ in range(10):
            one = store.add(job())
            got = at_once(lambda number, id=one.id: (store, other)[number % 2].lease(id, f"{number}", 60), 8)
            assert sum(got) == 1


# ------------------------------------------------------------------------------------ many at once


def test_events_have_no_gap_when_many_tell_at_once(place: Place) -> None:
    pages = range(1, 61)
    with opened(place) as store, opened(place) as other:
        one = store.add(job())
        store.opened(one.id, pages)

        def tell(number: int) -> None:
            for page in pages[number % 6 :: 6]:  # every page twice, from two threads and two stores
                (store, other)[number % 2].put_page(one.id, read(page))

        at_once(tell, 12)
        told = store.events(one.id)
        assert [event.number for event in told] == list(range(1, len(told) + 1))
        assert sorted(event.page.number for event in told if event.page is not None) == list(pages)
        assert store.get(one.id).pages_read == 60


def test_two_processes_share_the_work(place: Place) -> None:
    """Each job is run by one of them, and each page told once, however they meet."""
    code = """
import sys
from docparse.api.job import PageRecord
from docparse.api.store import SqliteStore
from docparse.api.store_redis import RedisStore
kind, where, prefix, me = sys.argv[1:]
store = SqliteStore(where) if kind == "sqlite" else RedisStore(where, prefix=prefix + ":")
print("ready", flush=True)
sys.stdin.readline()
while left := store.unfinished():
    for job in left:
        if store.lease(job.id, me, 60):
            store.set_state(job.id, "running")
            for page in store.pages(job.id):
                store.put_page(job.id, PageRecord(page.number, "read", engine=me))
            store.set_state(job.id, "done")
            print(job.id)
"""
    with opened(place) as store:
        ids = [store.add(job(f"client {number % 5}")).id for number in range(60)]
        for id in ids:
            store.opened(id, [1, 2])
        command = [sys.executable, "-c", code, place.kind, place.where, place.prefix]
        two = [
            subprocess.Popen([*command, me], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for me in "ab"
        ]
        for process in two:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
        done = [process.communicate("go\n", timeout=60)[0].split() for process in two]
        assert sorted(done[0] + done[1]) == sorted(ids)
        for me, theirs in zip("ab", done, strict=True):
            for id in theirs:
                assert [page.engine for page in store.pages(id)] == [me, me]
                assert len(store.events(id)) == 6


def test_a_thousand_jobs_after_a_restart(place: Place) -> None:
    with opened(place) as store:
        ids = [store.add(job(f"client {number % 7}", priority=number % 3)).id for number in range(1000)]
        store.lease(ids[0], "me", 60)
        store.set_state(ids[1], "done")
    with opened(place) as store:
        waiting = store.unfinished()
        assert {one.id for one in waiting} == set(ids[2:])
        order = [(one.priority, one.turn, ids.index(one.id)) for one in waiting]
        assert order == sorted(order)
        assert len(store.jobs(limit=2000)) == 1000


# ------------------------------------------------------------------------------------ when it does not work


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "data"
    store = SqliteStore(folder / "jobs.sqlite")
    store.add(job(spec=JobSpec(password="hunter2")))
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    store.close()


def test_what_is_removed_is_not_in_the_file(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "jobs.sqlite")
    one = store.add(job(spec=JobSpec(password="hunter2")))
    store.opened(one.id, [1])
    store.put_page(one.id, read(1, reasons=(("a", "hunter2 in a page and in an event"),)))
    store.remove(one.id)
    store.close()
    assert b"hunter2" not in b"".join(path.read_bytes() for path in tmp_path.iterdir())


def test_what_is_removed_is_not_in_redis(redis_url: str) -> None:
    store, client = RedisStore(redis_url, prefix="gone:"), redis.Redis.from_url(redis_url)
    one = store.add(job(idempotency_key="k"))
    store.opened(one.id, [1])
    store.put_page(one.id, read(1))
    store.set_state(one.id, "done")
    store.retry(one.id, 1)
    store.set_state(one.id, "cancelled")
    store.remove(one.id)
    assert client.keys("gone:*") == [b"gone:count"]
    store.close()
    client.close()


@pytest.mark.skipif(os.name == "nt", reason="limits of file sizes are POSIX")
def test_a_disk_that_is_full_for_a_while(tmp_path: Path) -> None:
    """In a process that may write no large files: the system says no in the middle of a transaction."""
    code = """
import resource, signal, sys
from docparse.api.job import Job, JobSpec, Upload, new_id
from docparse.api.store import SqliteStore
from docparse.errors import StoreUnavailable
store = SqliteStore(sys.argv[1])
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
def add():
    print(store.add(Job(new_id(), "ann", JobSpec(), Upload(new_id(), "a" * 5000, 1, "", "image/png"))).id)
for limit in (300_000, 600_000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        while True:
            add()
    except StoreUnavailable as error:
        print(error.code)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
add()
"""
    path = tmp_path / "jobs.sqlite"
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    said = done.stdout.split()
    told = [line for line in said if line != "job.store"]
    assert said.count("job.store") == 2
    assert len(told) > 10
    store = SqliteStore(path)
    assert {one.id for one in store.jobs(limit=10**6)} == set(told)
    assert [event.number for id in told for event in store.events(id)] == [1] * len(told)
    store.close()


def test_a_file_that_is_no_store(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    path.write_bytes(b"this is not a database, it only lies where one should lie" * 99)
    with pytest.raises(StoreUnavailable) as caught:
        SqliteStore(path)
    assert caught.value.file == str(path)
    with pytest.raises(StoreUnavailable):
        SqliteStore(tmp_path / "jobs.sqlite" / "below a file")


def test_a_file_of_a_newer_docparse(tmp_path: Path) -> None:
    path = tmp_path / "jobs.sqlite"
    SqliteStore(path).close()
    with sqlite3.connect(path) as db:
        db.execute("PRAGMA user_version = 99")
    db.close()
    with pytest.raises(StoreUnavailable, match="newer"):
        SqliteStore(path)


def test_a_store_that_was_closed(store: JobStore) -> None:
    one = store.add(job())
    store.close()
    with pytest.raises(StoreUnavailable):
        store.get(one.id)
    with pytest.raises(StoreUnavailable):
        store.add(job())


@pytest.mark.skipif(PROGRAM is None, reason=WHY_NOT)
def test_a_redis_that_dies_and_comes_back(tmp_path: Path) -> None:
    with redis_server(tmp_path, keep=True) as server:
        store = RedisStore(server.url)
        one = store.add(job())
        store.opened(one.id, [1])
        server.kill()
        with pytest.raises(StoreUnavailable, match="Redis"):
            store.get(one.id)
        with pytest.raises(StoreUnavailable):
            store.put_page(one.id, read(1))
        with pytest.raises(StoreUnavailable):
            RedisStore(server.url)
        server.start()
        assert store.unfinished()[0].id == one.id
        store.put_page(one.id, read(1))
        assert store.pages(one.id) == [read(1)]
        store.close()


def test_readings_of_a_job_and_lists_without_them(store: JobStore) -> None:
    parent, other = store.add(job()), store.add(job())
    spec = JobSpec(of=parent.id, pages="2", region=(1.5, 2.0, 30.0, 40.0), page_size=(800, 1000), prompt="Read it")
    first, second = store.add(job(spec=spec)), store.add(job(spec=JobSpec(of=parent.id, pages="1")))
    assert store.get(first.id).spec == spec
    assert [one.id for one in store.readings(parent.id)] == [second.id, first.id]
    assert store.readings(other.id) == []
    assert [one.id for one in store.jobs(owner="ann")] == [second.id, first.id, other.id, parent.id]
    assert [one.id for one in store.jobs(owner="ann", readings=False)] == [other.id, parent.id]
    assert [one.id for one in store.jobs(owner="ann", readings=False, limit=1)] == [other.id]
    assert [one.id for one in store.jobs(owner="ann", readings=False, before=other.id)] == [parent.id]
    store.remove(first.id)
    assert [one.id for one in store.readings(parent.id)] == [second.id]
    store.remove(parent.id)
    assert [one.id for one in store.readings(parent.id)] == [second.id], "whose job is gone"
    store.remove(second.id)
    assert store.readings(parent.id) == []
