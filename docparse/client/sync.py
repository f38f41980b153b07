"""``Client``: a docparse service, asked by a thread. One client may be used by several threads.

A handle of a job (``Job``) is no more than its id and its client; ``client.job(id)`` makes one of a job that was sent
before.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from docparse.client import transport
from docparse.client.following import Following
from docparse.client.grounding_json import asking
from docparse.client.operations import Operations, reading
from docparse.client.values import EngineStatus, JobEvent, JobStatus, PageStatus, Result, SchemaInfo
from docparse.client.wire import Call, Given, Service, Step, Steps, checked_key, file_of, service_url
from docparse.document import Document, Page

if TYPE_CHECKING:
    from docparse.extract.result import Extraction
    from docparse.extract.schemas import Schema, SchemaLike
    from docparse.geometry import BBox
    from docparse.grounding import Grounding

T = TypeVar("T")


class Client:
    """A docparse service.

    ``url``: as ``http://localhost:8000``. ``timeout``: seconds of silence that are borne; ``patience``: seconds that
    a call may spend on being sent again, where the connection breaks or the service has too much to do.

    All calls raise ``DocparseError``: what the service refuses as the error that it is, ``ServiceUnreachable``,
    ``ServiceTimeout`` and ``ServiceError`` for what goes wrong on the way. Files are streamed, never held as a whole.
    """

    def __init__(self, url: str, *, api_key: str | None = None, timeout: float = 60.0, patience: float = 30.0) -> None:
        self._service = Service(service_url(url), checked_key(api_key), patience)
        self._operations = Operations(self._service)
        self._http = transport.client(self._service, timeout)

    # ------------------------------------------------------------------------ documents

    def parse(
        self,
        file: str | os.PathLike[str] | bytes,
        *,
        name: str | None = None,
        engine: str | None = None,
        pages: str | None = None,
        dpi: float | None = None,
        password: str | None = None,
    ) -> Document:
        """A document, whole. ``name``: what it is called, where it is given as bytes."""
        form = reading(engine=engine, pages=pages, dpi=dpi, password=password)
        return self._run(self._operations.parse(file_of(file, name), form))

    def extract(
        self,
        file: str | os.PathLike[str] | bytes,
        schema: SchemaLike = "invoice",
        *,
        name: str | None = None,
        engine: str | None = None,
        pages: str | None = None,
        dpi: float | None = None,
        password: str | None = None,
    ) -> Extraction[Any]:
        """The fields of a document, each with the place that proves it.

        ``schema``: ``invoice``, ``receipt``, one of the service's own by its name, the path of a JSON Schema, such a
        schema as a dict, or a pydantic class.
        """
        form = reading(engine=engine, pages=pages, dpi=dpi, password=password)
        return self._run(self._operations.extract(file_of(file, name), schema, form))

    def ground(
        self,
        file: str | os.PathLike[str] | bytes,
        question: str | None = None,
        *,
        bbox: BBox | Sequence[float] | None = None,
        page: int = 1,
        points: bool = False,
        name: str | None = None,
        dpi: float | None = None,
        password: str | None = None,
    ) -> Grounding:
        """Ask the service's model where something is on a page, or with ``bbox`` about a region of it.

        As ``docparse.ground``. Raises ``EngineUnavailable`` where the service has no model to ask.
        """
        form = asking(question, bbox=bbox, page=page, points=points, dpi=dpi, password=password)
        return self._run(self._operations.ground(file_of(file, name), form))

    # ------------------------------------------------------------------------ jobs

    def submit(
        self,
        file: str | os.PathLike[str] | bytes,
        *,
        name: str | None = None,
        schema: SchemaLike | None = None,
        to: str | None = None,
        engine: str | None = None,
        pages: str | None = None,
        dpi: float | None = None,
        password: str | None = None,
        bulk: bool = False,
        webhook: str | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """Have a document read when it is its turn; with ``schema``, its fields too.

        ``to``: results to make at once when it is over, with commas between. ``bulk``: after everything that is not.
        ``idempotency_key``: the same again gives the same job, also from another process; each call has one of its
        own where none is given, so that a request that is sent twice makes one job.
        """
        form = reading(
            engine=engine,
            pages=pages,
            dpi=dpi,
            password=password,
            to=to,
            priority="bulk" if bulk else None,
            webhook=webhook,
        )
        steps = self._operations.submit(file_of(file, name), form, schema=schema, key=idempotency_key)
        status, known = self._run(steps)
        return Job(self, status.id, known)

    def job(self, id: str) -> Job:
        """A job that was sent before. Nothing is asked of the service for it."""
        return Job(self, id)

    def jobs(self, *, limit: int = 50) -> Iterator[JobStatus]:
        """Those of this key, newest first. ``limit``: how many are asked for at a time."""
        cursor = None
        while True:
            found, cursor = self._run(self._operations.jobs(limit, cursor))
            yield from found
            if cursor is None:
                return

    # ------------------------------------------------------------------------ the service

    def engines(self) -> list[EngineStatus]:
        return self._run(self._operations.engines())

    def schemas(self) -> list[SchemaInfo]:
        return self._run(self._operations.schemas())

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client({self._service.url!r})"

    # ------------------------------------------------------------------------ steps

    def _run(self, steps: Steps[T]) -> T:
        """Take the steps. What interrupts one goes through them, so that they can put in order what they began."""
        try:
            step = next(steps)
            while True:
                try:
                    given = self._take(step)
                except BaseException as error:  # noqa: BLE001  (also Ctrl-C; it goes on from there)
                    step = steps.throw(error)
                else:
                    step = steps.send(given)
        except StopIteration as end:
            found: T = end.value
            return found

    def _take(self, step: Step) -> Given:
        if not isinstance(step, Call):
            time.sleep(step.seconds)
            return None
        with transport.body(step) as body:
            try:
                response = self._http.send(transport.request(self._http, step, body))
            except Exception as error:
                if (fault := transport.fault(error)) is None:
                    raise
                return fault
        return transport.answer(response)

    def _follow(self, id: str, *, after: int, content: bool) -> Iterator[JobEvent]:
        following = Following(self._service, self._operations, id, after=after, content=content)
        while not following.over:
            given: Given = None
            try:
                response = self._http.send(transport.request(self._http, following.call(), {}), stream=True)
                try:
                    if response.status_code == 200:
                        for data in response.iter_raw():
                            yield from following.feed(data)
                    else:
                        response.read()
                        given = transport.answer(response)
                finally:
                    response.close()
            except Exception as error:
                if (given := transport.fault(error)) is None:
                    raise
            self._run(following.interrupted(given))


class Job:
    """A job of a service. ``id`` is all that it is: keep it, and ``client.job(id)`` is the job again."""

    def __init__(self, client: Client, id: str, schema: Schema | None = None) -> None:
        self.id = id
        self._client = client
        self._operations = client._operations
        self._schema = schema

    def status(self) -> JobStatus:
        return self._client._run(self._operations.status(self.id))

    def wait(self, timeout: float | None = None) -> JobStatus:
        """Until it is over, however it ends. Raises ``JobNotReady`` where that takes longer than ``timeout``."""
        return self._client._run(self._operations.wait(self.id, timeout))

    def events(self, *, after: int = 0, content: bool = False) -> Iterator[JobEvent]:
        """What happened since event number ``after``, then what happens, as it comes, until it is over.

        A connection that breaks is taken up again where it was: each event comes once. ``content``: with the pages.
        """
        return self._client._follow(self.id, after=after, content=content)

    def pages(self) -> list[PageStatus]:
        return self._client._run(self._operations.pages(self.id))

    def page(self, number: int) -> Page:
        """One that was read; the job need not be over."""
        return self._client._run(self._operations.page(self.id, number))

    def result(self, to: str | None = None) -> Result:
        """In a format of ``docparse schema --formats``, ``fields``, or ``zip``. Raises ``JobNotReady``, and why the
        job failed."""
        return self._client._run(self._operations.result(self.id, to))

    def document(self) -> Document:
        """Its result as a document. Raises as ``result``."""
        return self._client._run(self._operations.document(self.id))

    def extraction(self) -> Extraction[Any]:
        """Its result as fields. Raises as ``result``."""
        return self._client._run(self._operations.extraction(self.id, self._schema))

    def cancel(self) -> JobStatus:
        """Pages that were read stay."""
        return self._client._run(self._operations.cancel(self.id))

    def delete(self) -> None:
        """Remove it from the service with its file and results; one that runs is cancelled."""
        self._client._run(self._operations.delete(self.id))

    def retry(self, page: int, *, engine: str | None = None, dpi: float | None = None) -> JobStatus:
        """Have a page read again, otherwise where that is said. Raises ``JobNotReady`` for a job that is not over."""
        return self._client._run(self._operations.retry(self.id, page, engine, dpi))

    def __repr__(self) -> str:
        return f"Job({self.id!r})"
