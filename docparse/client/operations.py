"""Every call of the client as steps: what is sent, and what is made of the answer."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeVar

from docparse.client.grounding_json import grounding
from docparse.client.values import (
    EngineStatus,
    JobStatus,
    PageStatus,
    Result,
    SchemaInfo,
    engine_status,
    job_status,
    loaded,
    page_of,
    page_status,
    schema_info,
)
from docparse.client.wire import Answer, Call, File, Pause, Service, Steps
from docparse.document import Document, Page
from docparse.errors import DocparseError, JobError, JobNotFound, JobNotReady, SchemaError, ServiceError

if TYPE_CHECKING:
    from docparse.extract.result import Extraction
    from docparse.extract.schemas import Schema, SchemaLike
    from docparse.grounding import Grounding

T = TypeVar("T")

WAIT = 20
"""Seconds that the service is asked to wait for a document before it answers with a job."""
FIRST_LOOK, LONGEST_LOOK = 0.1, 2.0
"""Seconds between two looks at a job."""
LAST_SECONDS = 5.0
"""For what is said to the service when somebody wants to go."""


def reading(
    *, engine: str | None, pages: str | None, dpi: float | None, password: str | None, **more: str | None
) -> dict[str, str]:
    """The fields of a form, without those that were not given."""
    fields = {"engine": engine or None, "pages": pages, "dpi": None if dpi is None else f"{dpi:g}"}
    return {name: value for name, value in {**fields, "password": password, **more}.items() if value is not None}


class Operations:
    """Of one service. Every method gives the steps of a call; ``Service.send`` has its patience."""

    def __init__(self, service: Service) -> None:
        self._send = service.send

    # ------------------------------------------------------------------------ documents

    def parse(self, file: File, form: Mapping[str, str]) -> Steps[Document]:
        return _document((yield from self._at_once("/v1/parse", file, form, "json")))

    def extract(self, file: File, schema: SchemaLike, form: Mapping[str, str]) -> Steps[Extraction[Any]]:
        text, known = schema_text(schema)
        return _fields((yield from self._at_once("/v1/extract", file, {**form, "schema": text}, "fields")), known)

    def ground(self, file: File, form: Mapping[str, str]) -> Steps[Grounding]:
        answer = yield from self._send(Call("POST", "/v1/ground", form=form, file=file))
        return loaded(answer.body, grounding)

    def _at_once(self, path: str, file: File, form: Mapping[str, str], to: str) -> Steps[bytes]:
        """A result; where the service answers with a job, it is waited for and removed."""
        answer = yield from self._send(
            Call("POST", path, {"to": to}, {"Prefer": f"wait={WAIT}"}, form, file=file),
        )
        if answer.status != 202:
            return answer.body
        job = loaded(answer.body, job_status)
        try:
            return (yield from self._ended(job, to))
        finally:
            yield from self.forget(job.id)

    def _ended(self, job: JobStatus, to: str) -> Steps[bytes]:
        job = yield from self.wait(job.id, None)
        if job.error is not None:
            raise job.error
        if job.state == "cancelled":
            raise JobError("the job was cancelled.", file=job.name)
        return (yield from self.result(job.id, to)).data

    # ------------------------------------------------------------------------ jobs

    def submit(
        self, file: File, form: Mapping[str, str], *, schema: SchemaLike | None, key: str | None
    ) -> Steps[tuple[JobStatus, Schema | None]]:
        text, known = (None, None) if schema is None else schema_text(schema)
        fields = form if text is None else {**form, "schema": text}
        # With its key the same request sent again makes no second job.
        headers = {"Idempotency-Key": key or uuid.uuid4().hex}
        answer = yield from self._send(Call("POST", "/v1/jobs", headers=headers, form=fields, file=file))
        return loaded(answer.body, job_status), known

    def status(self, id: str) -> Steps[JobStatus]:
        return loaded((yield from self._send(Call("GET", _job(id)))).body, job_status)

    def jobs(self, limit: int, cursor: str | None) -> Steps[tuple[list[JobStatus], str | None]]:
        params = {"limit": limit} if cursor is None else {"limit": limit, "cursor": cursor}
        answer = yield from self._send(Call("GET", "/v1/jobs", params))
        return loaded(answer.body, lambda at: ([job_status(job) for job in at.items("jobs")], at.text("next") or None))

    def wait(self, id: str, seconds: float | None) -> Steps[JobStatus]:
        look, waited = FIRST_LOOK, 0.0
        while True:
            job = yield from self.status(id)
            if job.over:
                return job
            if seconds is not None and waited >= seconds:
                raise JobNotReady(f"the job was not over within {seconds:g} seconds.", file=job.name)
            pause = look if seconds is None else min(look, seconds - waited)
            yield Pause(pause)
            waited, look = waited + pause, min(look * 1.5, LONGEST_LOOK)

    def pages(self, id: str) -> Steps[list[PageStatus]]:
        answer = yield from self._send(Call("GET", f"{_job(id)}/pages"))
        return loaded(answer.body, lambda at: [page_status(page) for page in at.items("pages")])

    def page(self, id: str, number: int) -> Steps[Page]:
        answer = yield from self._send(Call("GET", f"{_job(id)}/pages/{number:d}"))
        return loaded(answer.body, lambda at: page_of(at.data))

    def result(self, id: str, to: str | None) -> Steps[Result]:
        answer = yield from self._send(Call("GET", f"{_job(id)}/result", {} if to is None else {"to": to}))
        return _result(answer)

    def document(self, id: str) -> Steps[Document]:
        return _document((yield from self.result(id, "json")).data)

    def extraction(self, id: str, schema: Schema | None) -> Steps[Extraction[Any]]:
        return _fields((yield from self.result(id, "fields")).data, schema)

    def cancel(self, id: str) -> Steps[JobStatus]:
        return loaded((yield from self._send(Call("POST", f"{_job(id)}/cancel"))).body, job_status)

    def delete(self, id: str) -> Steps[None]:
        try:
            yield from self._send(Call("DELETE", _job(id)))
        except JobNotFound:
            return  # it is gone, which is what was asked for

    def forget(self, id: str) -> Steps[None]:
        """Remove a job, also one that runs, on the way out: whatever becomes of that, nobody hears of it."""
        try:
            yield from self._send(Call("DELETE", _job(id), seconds=LAST_SECONDS, urgent=True))
        except DocparseError:
            return  # the service removes it when its time is over

    def retry(self, id: str, number: int, engine: str | None, dpi: float | None) -> Steps[JobStatus]:
        how = {"engine": engine, "dpi": dpi}
        call = Call(
            "POST",
            f"{_job(id)}/pages/{number:d}/retry",
            json={name: value for name, value in how.items() if value is not None},
            again=False,  # each one counts
        )
        return loaded((yield from self._send(call)).body, job_status)

    # ------------------------------------------------------------------------ the service

    def engines(self) -> Steps[list[EngineStatus]]:
        answer = yield from self._send(Call("GET", "/v1/engines"))
        return loaded(answer.body, lambda at: [engine_status(engine) for engine in at.items("engines")])

    def schemas(self) -> Steps[list[SchemaInfo]]:
        answer = yield from self._send(Call("GET", "/v1/schemas"))
        return loaded(answer.body, lambda at: [schema_info(schema) for schema in at.items("schemas")])


def _job(id: str) -> str:
    if not (id.isascii() and id.isalnum()):
        raise JobNotFound("there is no such job.")  # nor would its path be one
    return f"/v1/jobs/{id}"


def _result(answer: Answer) -> Result:
    return Result(answer.body, answer.headers.get("content-type", "").partition(";")[0].strip())


def _document(data: bytes) -> Document:
    from docparse.json_form import from_json

    try:
        return from_json(data)
    except SchemaError as error:
        raise ServiceError(f"the answer is no document of docparse's ({error.message}).") from error


def _fields(data: bytes, schema: Schema | None) -> Extraction[Any]:
    from docparse.extract.output.from_json import fields_from_json

    return fields_from_json(data, schema)


def schema_text(wanted: SchemaLike) -> tuple[str, Schema | None]:
    """A schema as it is sent: its name, or JSON; and the schema, where this side knows it.

    A name that is none of docparse's own may be one of the service's. Raises ``SchemaError``.
    """
    from docparse.extract.schemas import BUILT_IN, load_schema

    if isinstance(wanted, str) and wanted not in BUILT_IN and not wanted.lower().endswith(".json"):
        return wanted, None
    schema = load_schema(wanted)
    # Classes derived from our own are read as these are.
    return schema.kind if schema.kind != "user" else json.dumps(schema.definition), schema
