"""Every error docparse raises, and the codes that name them.

    DocparseError            docparse.failed     any of these; alone: a fault of docparse itself
    ├── SourceError          source.failed       the input
    │   ├── UnsupportedSource    source.unsupported   not a PDF or picture docparse reads
    │   ├── CorruptSource        source.corrupt       damaged beyond repair
    │   ├── EncryptedSource      source.encrypted     needs a password, or the one given is wrong
    │   ├── EmptySource          source.empty         no bytes, no pages, no documents in a folder
    │   ├── TooLargeSource       source.too_large     over a limit on bytes, pages or pixels
    │   ├── UnreadableSource     source.unreadable    missing file, no permission, read error
    │   └── SourceTimeout        source.timeout       opening or drawing took too long
    ├── PageRangeError       range.invalid       a page range that means nothing for this document
    ├── EngineError          engine.failed       an engine could not read a page
    │   ├── EngineUnavailable    engine.unavailable   weights, package or server missing
    │   ├── EngineTimeout        engine.timeout       a page took longer than its limit
    │   └── EngineOutOfMemory    engine.out_of_memory   a page did not fit into memory
    ├── SchemaError          schema.invalid      JSON or markup that is not a docparse document
    ├── ExportError          export.failed       unknown format, or a format that lacks what it needs
    │   └── OutputError          output.failed        cannot write: permission, names
    │       ├── OutputDiskError      output.disk          the disk of the results is full or read-only, or fails
    │       └── OutputInUse          output.in_use        another run writes into the same folder
    ├── JobError             job.failed          a job of the service failed
    │   ├── JobNotFound          job.not_found        no such job, or somebody else's
    │   ├── JobNotReady          job.not_ready        what is asked for is there when the job is over
    │   ├── CorrectionsConflict  job.corrections_conflict   a page was changed by somebody else meanwhile
    │   ├── QueueFull            job.queue_full       too many jobs wait already
    │   ├── IdempotencyMismatch  job.idempotency      the key was used for another request
    │   └── StoreUnavailable     job.store            the store of jobs cannot be read or written
    ├── RequestError         request.invalid      a request that the service cannot understand
    │   ├── RequestTooLarge      request.too_large     more bytes, parts or fields than it takes
    │   ├── RequestTooSlow       request.too_slow      its body comes too slowly
    │   ├── MediaTypeError       request.media_type    its body is in a form that is not read
    │   ├── RouteNotFound        request.not_found     no such address
    │   └── MethodNotAllowed     request.method        an address that takes other methods
    ├── AccessError          access.denied        who asks may not
    │   ├── KeyRequired          access.key_required   no API key was shown
    │   ├── KeyRefused           access.key_refused    the key that was shown is none
    │   ├── HostRefused          access.host           asked by a name that is not the service's
    │   └── OriginRefused        access.origin         asked by a page of another site
    ├── LimitError           limit.reached        too much at a time; later it will do
    │   ├── RateLimited          limit.rate            too many requests
    │   └── TooManyAtOnce        limit.concurrent      too many uploads or streams at once
    ├── ServiceError         service.failed       a docparse service that a client asks gives no sensible answer
    │   ├── ServiceUnreachable   service.unreachable   there is no connection to it
    │   └── ServiceTimeout       service.timeout       it does not answer in time
    └── SettingsError        settings.invalid    an option or variable that means nothing

The ``code`` of an error is the same in Python, on the command line and over REST, and does not
change between versions. The message says what happened, to which file and page, and what to do.
Page failures inside a document are not raised: they are values, in the page's verdict.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import ClassVar


class DocparseError(Exception):
    """Base of all errors.

    ``message`` is one sentence for a person; ``hint`` says what to do about it; ``file`` and
    ``page`` (1-based) say where. ``str(error)`` joins them.
    """

    code: ClassVar[str] = "docparse.failed"

    def __init__(
        self, message: str, *, file: str | None = None, page: int | None = None, hint: str | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.file = file
        self.page = page
        self.hint = hint

    def __str__(self) -> str:
        where = self.file or ""
        if self.page is not None:
            where = f"{where}, page {self.page}" if where else f"page {self.page}"
        text = f"{where}: {self.message}" if where else self.message
        return f"{text} {self.hint}" if self.hint else text

    def details(self) -> dict[str, object]:
        """The parts of the error that a program wants, without the empty ones."""
        parts = {"file": self.file, "page": self.page, "hint": self.hint}
        return {key: value for key, value in parts.items() if value is not None}

    def to_dict(self) -> dict[str, object]:
        """The one shape of an error in JSON: ``{"error": {"code", "message", "details"}}``."""
        return {"error": {"code": self.code, "message": self.message, "details": self.details()}}

    def __reduce__(self) -> tuple[object, ...]:
        # Keyword-only arguments are lost by Exception's own pickling; workers send errors home.
        return (_rebuild, (type(self), self.message, self.file, self.page, self.hint))


def _rebuild(
    kind: type[DocparseError], message: str, file: str | None, page: int | None, hint: str | None
) -> DocparseError:
    return kind(message, file=file, page=page, hint=hint)


class SourceError(DocparseError):
    """The input cannot be used."""

    code = "source.failed"


class UnsupportedSource(SourceError):
    """The bytes are of no format that docparse reads."""

    code = "source.unsupported"


class CorruptSource(SourceError):
    """The bytes claim a format and break its rules beyond repair."""

    code = "source.corrupt"


class EncryptedSource(SourceError):
    """A password is needed, or the one given does not open the file."""

    code = "source.encrypted"


class EmptySource(SourceError):
    """There is nothing to read: no bytes, no pages, or no documents in a folder."""

    code = "source.empty"


class TooLargeSource(SourceError):
    """A limit on bytes, pages or pixels is exceeded."""

    code = "source.too_large"


class UnreadableSource(SourceError):
    """The operating system does not let us read the file."""

    code = "source.unreadable"


class SourceTimeout(SourceError):
    """Opening the file or drawing a page took longer than its limit."""

    code = "source.timeout"


class PageRangeError(DocparseError):
    """A page range that cannot be understood, or that selects nothing in this document."""

    code = "range.invalid"


class EngineError(DocparseError):
    """An engine could not do its work."""

    code = "engine.failed"


class EngineUnavailable(EngineError):
    """The engine lacks weights, a package, hardware or a server."""

    code = "engine.unavailable"


class EngineTimeout(EngineError):
    """A page took longer than its limit."""

    code = "engine.timeout"


class EngineOutOfMemory(EngineError):
    """The page does not fit into the memory of the device."""

    code = "engine.out_of_memory"


class SchemaError(DocparseError):
    """Data that does not follow the schema it should follow."""

    code = "schema.invalid"


class ExportError(DocparseError):
    """An export format is unknown, or lacks something it needs."""

    code = "export.failed"


class OutputError(ExportError):
    """A result cannot be written."""

    code = "output.failed"


class OutputDiskError(OutputError):
    """The disk of the results is full or read-only, or fails: no other result can be written either."""

    code = "output.disk"


class OutputInUse(OutputError):
    """Another run writes into the same folder."""

    code = "output.in_use"


class JobError(DocparseError):
    """A job of the service failed."""

    code = "job.failed"


class JobNotFound(JobError):
    """There is no such job, or it is somebody else's: which of the two is not told."""

    code = "job.not_found"


class JobNotReady(JobError):
    """What is asked for is there when the job is over."""

    code = "job.not_ready"


class CorrectionsConflict(JobError):
    """Corrections of a page that somebody else has changed meanwhile, or that was read again."""

    code = "job.corrections_conflict"


class QueueFull(JobError):
    """Too many jobs wait already; this one was not kept."""

    code = "job.queue_full"


class IdempotencyMismatch(JobError):
    """The idempotency key belongs to a request for another file, or for something else."""

    code = "job.idempotency"


class StoreUnavailable(JobError):
    """The store of jobs cannot be read or written: its disk, its file, its server."""

    code = "job.store"


class RequestError(DocparseError):
    """A request that the service cannot understand. ``fields``: its parts that are wrong, and why."""

    code = "request.invalid"
    fields: Sequence[tuple[str, str]] = ()

    def details(self) -> dict[str, object]:
        fields = [{"where": where, "message": message} for where, message in self.fields]
        return {**super().details(), **({"fields": fields} if fields else {})}


class RequestTooLarge(RequestError):
    """A request with more bytes, parts or fields than the service takes."""

    code = "request.too_large"


class RequestTooSlow(RequestError):
    """The body of a request comes too slowly."""

    code = "request.too_slow"


class MediaTypeError(RequestError):
    """The body of a request is in a form that is not read."""

    code = "request.media_type"


class RouteNotFound(RequestError):
    """There is nothing at this address."""

    code = "request.not_found"


class MethodNotAllowed(RequestError):
    """The address takes other methods."""

    code = "request.method"


class AccessError(DocparseError):
    """Whoever asks may not."""

    code = "access.denied"


class KeyRequired(AccessError):
    """The service wants an API key, and none was shown."""

    code = "access.key_required"


class KeyRefused(AccessError):
    """The API key that was shown is none of the service's."""

    code = "access.key_refused"


class HostRefused(AccessError):
    """The service was asked by a name that is not its own."""

    code = "access.host"


class OriginRefused(AccessError):
    """A page of another site asks."""

    code = "access.origin"


class LimitError(DocparseError):
    """Too much at a time; later it will do. ``retry_after``: seconds until then, where they are known."""

    code = "limit.reached"
    retry_after: float | None = None


class RateLimited(LimitError):
    """More requests than the key may send."""

    code = "limit.rate"


class TooManyAtOnce(LimitError):
    """Too many uploads or streams at once."""

    code = "limit.concurrent"


class ServiceError(DocparseError):
    """What a client of a docparse service got is no answer of one."""

    code = "service.failed"


class ServiceUnreachable(ServiceError):
    """There is no connection to the service, or it broke, again and again."""

    code = "service.unreachable"


class ServiceTimeout(ServiceError):
    """The service does not answer in time."""

    code = "service.timeout"


class SettingsError(DocparseError):
    """An option or an environment variable has a value that means nothing."""

    code = "settings.invalid"


def all_errors() -> Iterator[type[DocparseError]]:
    """Every kind of error, each before its own kinds."""
    kinds = [DocparseError]
    while kinds:
        kind = kinds.pop(0)
        yield kind
        kinds = [*kind.__subclasses__(), *kinds]
