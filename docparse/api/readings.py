"""A page of a job read again: what is asked for, as a job of its own over the same file, and what it says differently.

What the first reading says stays as it is; whether anything of the other is better is for people to say.
"""

from __future__ import annotations

import math

from docparse.api.job import URGENT, Job, JobSpec, PageRecord, new_id
from docparse.api.making import Maker
from docparse.api.ports import Again, Files, JobStore, Readers, Reading
from docparse.compare import compare
from docparse.document import Page
from docparse.errors import JobNotFound, PageRangeError, RequestError
from docparse.geometry import BBox
from docparse.mapping import resized, to_size
from docparse.region import Region


class Readings:
    """Makes and compares them."""

    def __init__(self, store: JobStore, files: Files, readers: Readers, maker: Maker) -> None:
        self._store, self._files, self._readers, self._maker = store, files, readers, maker

    def job(self, job: Job, number: int, again: Again) -> Job:
        """A new job that reads page ``number`` of ``job`` again, with a file of its own, which whoever takes the job
        has to keep or remove.

        Raises ``PageRangeError``, ``JobNotReady`` where the page was not read yet, ``RequestError`` for a region that
        is not on the page, ``EngineUnavailable`` for an engine that is not here or takes no prompt.
        """
        page = self._page(job, number)
        record = next(record for record in self._store.pages(job.id) if record.number == number)
        spec = spec_of(job, page, record, again)
        self._readers.check(spec)
        return Job(new_id(), job.owner, spec, self._files.twin(job.upload), URGENT)

    def compared(self, job: Job, number: int, reading: Job) -> Reading:
        """Raises ``JobNotFound`` where ``reading`` is none of this page, ``JobNotReady`` where it is not over."""
        if reading.spec.of != job.id or reading.spec.pages != str(number):
            raise JobNotFound("there is no such reading of this page.")
        page, other = self._page(job, number), self._page(reading, number)
        region, size = reading.spec.region, (page.width, page.height)
        box = None
        if region is not None and reading.spec.page_size is not None:
            box = to_size(BBox(*region), reading.spec.page_size, size)
        return Reading(resized(other, *size), compare(page, other, region=box))

    def _page(self, job: Job, number: int) -> Page:
        self._maker.check_page(job, number)
        document, _ = self._maker.document(job, [number], words=False)
        return document.pages[0]


def spec_of(job: Job, page: Page, record: PageRecord, again: Again) -> JobSpec:
    """What is asked for. What is not said is as it was when the page was read. Raises ``RequestError``."""
    # The record has the engine's model behind its name; a page that failed has neither.
    engine = "" if again.engine == "auto" else again.engine or (record.engine.split() or [job.spec.engine])[0]
    region = None if again.bbox is None else _on(page, again.bbox)
    return JobSpec(
        engine=engine,
        pages=str(page.number),
        dpi=again.dpi or record.dpi or job.spec.dpi,
        password=job.spec.password,
        of=job.id,
        region=region,
        page_size=None if region is None else (page.width, page.height),
        prompt=again.prompt.strip(),
    )


def _on(page: Page, bbox: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    """The part of a box that is on the page."""
    if not all(map(math.isfinite, bbox)):
        raise _refused("its sides are no numbers", "")
    box = BBox.of(*bbox)
    try:
        return Region(box, page.width, page.height).on(page.width, page.height).as_tuple()
    except PageRangeError as error:
        raise _refused(error.message.rstrip("."), error.hint) from None


def _refused(why: str, hint: str | None) -> RequestError:
    problem = RequestError(f"this part of the page cannot be read: {why}.", hint=hint or "")
    problem.fields = [("body.bbox", why)]
    return problem
