"""How pages of jobs look: drawn once in each size, by a process of the pool, and kept beside the job's pages."""

from __future__ import annotations

import logging
from concurrent.futures import Future
from dataclasses import dataclass

from docparse.api.job import URGENT, Job
from docparse.api.making import Maker
from docparse.api.pictures import View, plan
from docparse.api.ports import Files, PageTask, Readers
from docparse.errors import DocparseError, JobNotReady

log = logging.getLogger("docparse.service")


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture that is there, or comes. ``keep``: the name to keep it by; empty where it is not to be kept."""

    data: Future[bytes]
    keep: str = ""


class Gallery:
    def __init__(self, maker: Maker, files: Files, readers: Readers) -> None:
        self._maker = maker
        self._files = files
        self._readers = readers

    def picture(self, job: Job, number: int, view: View) -> Drawing:
        """A page of a job, as soon as it was read. Raises ``PageRangeError``, ``JobNotReady``, ``RequestError`` for a
        crop beside the page."""
        self._maker.check_page(job, number)
        found = self._files.page(job.id, number, words=False)
        if found is None:
            raise JobNotReady(f"page {number} is not there.", hint="Have it read again.")
        page = found[0]
        # Of a page that nobody could read, the size may be nominal.
        own = None if page.verdict.status == "failed" else (page.width, page.height)
        name = ""
        if view.crop is None:
            size = f"{view.width}" if own is None else "{}x{}".format(*plan(own, view).size)
            name = f"{number}-{size}.jpg"
            kept = self._files.picture(job.id, name)
            if kept is not None:
                there: Future[bytes] = Future()
                there.set_result(kept)
                return Drawing(there)
        path = self._files.local(job.upload)
        task = PageTask(job.id, job.owner, URGENT, path, number, job.spec, job.upload.name)
        return Drawing(self._readers.draw(task, own, view), name)

    def keep(self, job: Job, name: str, data: bytes) -> None:
        """For the next one who looks. Where that fails, it is drawn again."""
        try:
            self._files.put_picture(job.id, name, data)
        except DocparseError as error:
            log.warning("a picture of job %s is not kept: %s", job.id, error)
