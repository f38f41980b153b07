"""``kill -9`` at any moment: what was told is known, nothing is half there, no page is there twice.

A process tells a store and the files of jobs and pages in a loop, and after each call that returned it says so. It is
killed; another one goes on with the same data; at the end all that they said is looked up.
"""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docparse.api.files import StoredFiles
from docparse.api.housekeeping import Housekeeping
from docparse.api.job import Upload
from docparse.api.ports import JobStore
from docparse.api.queue import HueyQueue
from tests.api.crash_child import PAGES, page_of
from tests.api.stores import Clock, Place, job, opened

CRASHES = 20


def crashes(*arguments: str) -> Iterator[list[Any]]:
    """What processes said that were killed, one after the other, some time after they began."""
    dice = random.Random(7)
    command = [sys.executable, "-m", "tests.api.crash_child"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as nest:
        assert nest.stdin is not None
        assert nest.stdout is not None
        for number in range(CRASHES):
            nest.stdin.write(json.dumps([*arguments, f"process {number}"]) + "\n")
            nest.stdin.flush()
            ready, pid = json.loads(nest.stdout.readline())
            assert ready == "ready"
            time.sleep(dice.uniform(0, 0.15))
            os.kill(pid, signal.SIGKILL)
            while (said := json.loads(nest.stdout.readline())) != ["dead"]:
                yield said
        nest.stdin.close()


def check_job(store: JobStore, files: StoredFiles, id: str) -> set[int]:
    """A job stands on its own: pages, events and counts say the same. The pages that were read."""
    found, events = store.get(id), store.events(id)
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    states = [event.state for event in events if event.state is not None]
    assert states == ["queued", "running", "done"][: len(states)]
    assert found.state == states[-1]
    read = {page.number for page in store.pages(id) if page.state == "read"}
    assert sorted(event.page.number for event in events if event.page is not None) == sorted(read)  # each once
    assert found.pages_read == len(read)
    assert found.state != "done" or read == set(PAGES)
    for number in read:  # the file comes before the record: what is recorded is there, whole
        assert files.page(id, number) == (page_of(id, number), ())
    return read


def test_killed_at_any_moment(place: Place, tmp_path: Path) -> None:
    folder = tmp_path / "files"
    said = list(crashes(place.kind, place.where, place.queue, place.prefix, str(folder)))
    uploads = {id: Upload(**rest[0]) for what, id, *rest in said if what == "job"}
    assert len(uploads) > CRASHES
    files = StoredFiles(folder)
    with opened(place) as store:
        known = {one.id: one for one in store.jobs(limit=10**6)}
        assert set(uploads) <= set(known)  # no job that was promised is lost
        assert len(known) - len(uploads) <= CRASHES  # at most the last one of each process was not told
        for id, upload in uploads.items():
            assert known[id].upload == upload
            assert files.local(upload).stat().st_size == upload.bytes
        read = {id: check_job(store, files, id) for id in known}
        for what, id, *rest in said:
            assert what != "page" or rest[0] in read[id]
            assert what != "done" or known[id].state == "done"
            assert what != "opened" or known[id].num_pages == len(PAGES)

        # What is not over is found and queued; what belongs to nobody goes.
        upload = files.receive(iter([b"%PDF-1.7"]), name="last.pdf", max_bytes=10)
        last = store.add(job(upload=upload))  # the last process may have left none
        known[last.id] = last
        unfinished = {one.id for one in store.unfinished()}
        assert unfinished == {id for id, one in known.items() if not one.over}
        queue = HueyQueue(place.queue, name=place.prefix)
        clock = Clock()
        clock.now = time.time() + 48 * 3600
        everybody = [one.upload.key for one in known.values() if not one.over]
        Housekeeping(store, queue, files, clock=clock).once()
        assert queue.waiting() >= unfinished
        assert queue.refill(store.unfinished()) == 0
        assert sorted(path.name for path in (folder / "uploads").iterdir()) == sorted(everybody)
        assert {path.name for path in (folder / "jobs").iterdir()} <= unfinished
        assert list((folder / "incoming").iterdir()) == []
        queue.close()
