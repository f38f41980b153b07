"""``AsyncClient``: as ``Client``, asked by an event loop. What a method means is told there."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
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


class AsyncClient:
    """A docparse service, for ``async`` code: see ``Client``."""

    def __init__(self, url: str, *, api_key: str | None = None, timeout: float = 60.0, patience: float = 30.0) -> None:
        self._service = Service(service_url(url), checked_key(api_key), patience)
        self._operations = Operations(self._service)
        self._http = transport.async_client(self._service, timeout)

    async def parse(
        self,
        file: str | os.PathLike[str] | bytes,
        *,
        name: str | None = None,
        engine: str | None = None,
        pages: str | None = None,
        dpi: float | None = None,
        password: str | None = None,
    ) -> Document:
        form = reading(engine=engine, pages=pages, dpi=dpi, password=password)
        return await self._run(self._operations.parse(file_of(file, name), form))

    async def extract(
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
        form = reading(engine=engine, pages=pages, dpi=dpi, password=password)
        return await self._run(self._operations.extract(file_of(file, name), schema, form))

    async def ground(
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
        form = asking(question, bbox=bbox, page=page, points=points, dpi=dpi, password=password)
        return await self._run(self._operations.ground(file_of(file, name), form))

    async def submit(
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
    ) -> AsyncJob:
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
        status, known = await self._run(steps)
        return AsyncJob(self, status.id, known)

    def job(self, id: str) -> AsyncJob:
        return AsyncJob(self, id)

    async def jobs(self, *, limit: int = 50) -> AsyncIterator[JobStatus]:
        cursor = None
        while True:
            found, cursor = await self._run(self._operations.jobs(limit, cursor))
            for status in found:
                yield status
            if cursor is None:
                return

    async def engines(self) -> list[EngineStatus]:
        return await self._run(self._operations.engines())

    async def schemas(self) -> list[SchemaInfo]:
        return await self._run(self._operations.schemas())

    async def close(self) -> None:
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None
    ) -> None:
        await self.close()

    def __repr__(self) -> str:
        return f"AsyncClient({self._service.url!r})"

    # ------------------------------------------------------------------------ steps

    async def _run(self, steps: Steps[T]) -> T:
        try:
            step = next(steps)
            while True:
                try:
                    given = await self._take(step)
                except BaseException as error:  # noqa: BLE001  (also a cancellation; it goes on from there)
                    step = steps.throw(error)
                else:
                    step = steps.send(given)
        except StopIteration as end:
            found: T = end.value
            return found

    async def _take(self, step: Step) -> Given:
        if not isinstance(step, Call):
            await asyncio.sleep(step.seconds)
            return None
        with transport.body(step) as body:
            try:
                response = await self._http.send(transport.request(self._http, step, body))
            except Exception as error:
                if (fault := transport.fault(error)) is None:
                    raise
                return fault
        return transport.answer(response)

    async def _follow(self, id: str, *, after: int, content: bool) -> AsyncIterator[JobEvent]:
        following = Following(self._service, self._operations, id, after=after, content=content)
        while not following.over:
            given: Given = None
            try:
                response = await self._http.send(transport.request(self._http, following.call(), {}), stream=True)
                try:
                    if response.status_code == 200:
                        async for data in response.aiter_raw():
                            for event in following.feed(data):
                                yield event
                    else:
                        await response.aread()
                        given = transport.answer(response)
                finally:
                    await response.aclose()
            except Exception as error:
                if (given := transport.fault(error)) is None:
                    raise
            await self._run(following.interrupted(given))


class AsyncJob:
    """A job of a service: see ``sync.Job``."""

    def __init__(self, client: AsyncClient, id: str, schema: Schema | None = None) -> None:
        self.id = id
        self._client = client
        self._operations = client._operations
        self._schema = schema

    async def status(self) -> JobStatus:
        return await self._client._run(self._operations.status(self.id))

    async def wait(self, timeout: float | None = None) -> JobStatus:
        return await self._client._run(self._operations.wait(self.id, timeout))

    def events(self, *, after: int = 0, content: bool = False) -> AsyncIterator[JobEvent]:
        return self._client._follow(self.id, after=after, content=content)

    async def pages(self) -> list[PageStatus]:
        return await self._client._run(self._operations.pages(self.id))

    async def page(self, number: int) -> Page:
        return await self._client._run(self._operations.page(self.id, number))

    async def result(self, to: str | None = None) -> Result:
        return await self._client._run(self._operations.result(self.id, to))

    async def document(self) -> Document:
        return await self._client._run(self._operations.document(self.id))

    async def extraction(self) -> Extraction[Any]:
        return await self._client._run(self._operations.extraction(self.id, self._schema))

    async def cancel(self) -> JobStatus:
        return await self._client._run(self._operations.cancel(self.id))

    async def delete(self) -> None:
        await self._client._run(self._operations.delete(self.id))

    async def retry(self, page: int, *, engine: str | None = None, dpi: float | None = None) -> JobStatus:
        return await self._client._run(self._operations.retry(self.id, page, engine, dpi))

    def __repr__(self) -> str:
        return f"AsyncJob({self.id!r})"
