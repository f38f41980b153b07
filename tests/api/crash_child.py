"""The process that test_crash kills, forked from one that has imported all this already.

``python -m`` it, give it a line of JSON (the arguments of ``work``) for each process, read what they say.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import os
import sys

from docparse.api.files import StoredFiles
from docparse.api.job import Job, JobSpec, PageRecord, new_id
from docparse.api.ports import JobStore
from docparse.api.queue import HueyQueue
from docparse.api.store import SqliteStore
from docparse.api.store_redis import RedisStore
from docparse.document import Block, Page, Run
from docparse.geometry import BBox

PAGES = [1, 2, 3]


def say(*said: object) -> None:
    os.write(1, (json.dumps(said) + "\n").encode())  # at once: there is no later


def page_of(job: str, number: int) -> Page:
    blocks = (Block("paragraph", BBox(1, 1, 9, 9), (Run(f"{job} {number} {line}"),)) for line in range(40))
    return Page(number, 10, 10, blocks=tuple(blocks))


def work(kind: str, where: str, queue_at: str, prefix: str, folder: str, me: str) -> None:
    """For ever."""
    store = SqliteStore(where) if kind == "sqlite" else RedisStore(where, prefix=f"{prefix}:")
    files, queue = StoredFiles(folder), HueyQueue(queue_at, name=prefix)
    say("ready", os.getpid())
    for job in store.unfinished():  # those of a process that died
        finish(store, files, job.id, me)
    for count in itertools.count():
        upload = files.receive(iter([b"%PDF-1.7 ", b"x" * 50_000]), name="a.pdf", max_bytes=10**6)
        new = Job(new_id(), "ann", JobSpec(), upload, priority=count % 3, idempotency_key=f"{me} {count}")
        job = store.add(new)
        say("job", job.id, dataclasses.asdict(upload))
        queue.put(job.id, job.priority, job.turn)
        if count % 3 != 2:  # others are left waiting
            finish(store, files, job.id, me)


def finish(store: JobStore, files: StoredFiles, job: str, me: str) -> None:
    store.lease(job, me, 0.001)
    store.opened(job, PAGES)
    say("opened", job)
    store.set_state(job, "running")
    for page in store.pages(job):
        if page.state != "read":
            store.put_page(job, PageRecord(page.number, "reading"))
            files.put_page(job, page_of(job, page.number))
            store.put_page(job, PageRecord(page.number, "read", status="ok", engine=me))
            say("page", job, page.number)
    store.set_state(job, "done")
    say("done", job)


if __name__ == "__main__":
    for line in sys.stdin:
        if pid := os.fork():
            os.waitpid(pid, 0)
            say("dead")
        else:
            work(*json.loads(line))
