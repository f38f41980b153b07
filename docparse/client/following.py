"""A job's events over connections that may break: which were seen, when to take the stream up again. No socket."""

from __future__ import annotations

import time

from docparse.client.operations import Operations
from docparse.client.values import JobEvent, job_event
from docparse.client.wire import Answer, Call, Fault, Pause, Service, Steps, pause_after
from docparse.engines.event_stream import EventStream, Garbage
from docparse.errors import SchemaError, ServiceError
from docparse.json_place import Place

SILENCE = 60.0
"""Seconds without a sign of life after which the line is taken for dead; the service gives one every 15."""


class Following:
    """The events of the job ``id`` after number ``after``, each once and in order."""

    def __init__(self, service: Service, operations: Operations, id: str, *, after: int, content: bool) -> None:
        self.over = False
        self._service = service
        self._operations = operations
        self._id = id
        self._after = after
        self._content = content
        self._stream = EventStream()
        self._tries = 0
        self._trouble: float | None = None
        self._ended = False
        self._came = 0
        self._empty = 0

    def call(self) -> Call:
        """The request for a stream that goes on where the last one ended."""
        self._stream, self._came = EventStream(), 0
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": str(self._after)} if self._after else {})
        params = {"content": "true"} if self._content else {}
        return Call("GET", f"/v1/jobs/{self._id}/events", params, headers, seconds=SILENCE)

    def feed(self, data: bytes) -> list[JobEvent]:
        """What came: the events in it that are new. Raises ``ServiceError``."""
        self._trouble = None
        found = []
        for value in self._stream.feed(data):
            if isinstance(value, Garbage):
                raise ServiceError("the stream of events cannot be understood.")
            try:
                event = job_event(Place(value, "event"))
            except SchemaError as error:
                raise ServiceError(f"an event cannot be understood ({error.message}).") from error
            if event.number > self._after:
                # A page that is read again opens a job that was over: only the end of the stream is the end.
                self._after, self._ended = event.number, event.last
                found.append(event)
        if found:
            self._came += len(found)
            self._tries = self._empty = 0
        return found

    def interrupted(self, given: Answer | Fault | None) -> Steps[None]:
        """The stream has ended, with ``None`` by itself: whether there is more to come, and a pause before it.

        Raises ``DocparseError`` where it cannot be had, and for a job that is gone.
        """
        began = self._trouble = self._trouble or time.monotonic()
        self._tries += 1
        if given is None:
            self._empty += not self._came
            # A job that is over and has no more to tell may have been followed to its end before.
            self.over = self._ended or ((yield from self._operations.status(self._id)).over and self._empty > 1)
            if self.over:
                return
            wait: float | None = 0.0
        else:
            error, wait = self._service.judge(given, self.call())
            if wait is None or time.monotonic() - began + wait > self._service.patience:
                raise error
        yield Pause(max(wait or 0.0, pause_after(self._tries)))
