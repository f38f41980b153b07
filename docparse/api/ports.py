"""What the parts of the service ask of each other. Each can be replaced by one of a test's own.

Whatever blocks (a disk, a database, a page) is called from threads; only ``Service`` has coroutines, for HTTP.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping, Sequence, Set
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from docparse.api.evidence import Evidence
from docparse.api.job import USUAL, Event, Failure, Job, JobSpec, PageRecord, State, Upload
from docparse.api.pictures import Size, View
from docparse.compare import Change
from docparse.document import Document, EngineInfo, Page, Source, Status
from docparse.engines.base import Asks
from docparse.selection import ALL, Selection
from docparse.textlayer import Word

if TYPE_CHECKING:
    from docparse.api.corrected import Layer
    from docparse.correction import Correction
    from docparse.grounding import Grounding


class JobStore(Protocol):
    """The jobs, durable: what was told here is still known after ``kill -9``. Safe from several threads and processes.

    Whoever runs a job holds a lease on it and renews it; a job whose lease ran out may be taken by another.
    """

    def add(self, job: Job, *, most_waiting: int | None = None) -> Job:
        """Keep a new job. The one with the same owner and idempotency key, if there is one, comes back instead.

        Raises ``QueueFull`` where so many jobs wait already, ``IdempotencyMismatch`` where the other one is of
        another file or asks for something else.
        """

    def get(self, id: str, *, owner: str | None = None) -> Job:
        """Raises ``JobNotFound``, also for somebody else's. ``owner`` None is the service itself."""

    def jobs(
        self,
        *,
        owner: str | None = None,
        states: Sequence[State] = (),
        limit: int = 100,
        before: str | None = None,
        readings: bool = True,
    ) -> list[Job]:
        """Newest first. ``before``: the id to go on from. ``readings``: those that read a page of another again too."""

    def readings(self, id: str) -> list[Job]:
        """The jobs that read pages of this one again, newest first; also where it is gone itself."""

    def position(self, id: str) -> int:
        """How many jobs are served before it; 0 for one that is running or over."""

    def lease(self, id: str, holder: str, seconds: float) -> bool:
        """Take or renew. False where another holds it, or the job is over."""

    def release(self, id: str, holder: str) -> None: ...

    def set_state(self, id: str, state: State, *, failure: Failure | None = None) -> Job:
        """Adds an event. A job that is over stays as it is, but for ``retry``; one that ends has no holder."""

    def opened(self, id: str, numbers: Sequence[int]) -> None:
        """The pages that will be read. Told again after a restart, it changes nothing."""

    def put_page(self, id: str, page: PageRecord) -> None:
        """Adds an event where the page was read. A page that was read stays as it is, but for ``retry``: telling
        it twice changes nothing, nor does a reading that ends after another was asked for, or after the job."""

    def pages(self, id: str) -> list[PageRecord]:
        """In order."""

    def retry(self, id: str, number: int, *, engine: str = "", dpi: float | None = None) -> PageRecord:
        """Have a page of a job that is over read again: it waits, its attempt counts one more, the job is queued.

        Raises ``JobNotReady`` where the job is not over, ``PageRangeError`` where it has no such page.
        """

    def events(self, id: str, *, after: int = 0, limit: int = 1000) -> list[Event]: ...

    def remove(self, id: str) -> None:
        """Forget it. One that is not there is forgotten already."""

    def expired(self, now: float) -> list[Job]:
        """Those that are over and kept no longer."""

    def unfinished(self) -> list[Job]:
        """Jobs that nobody holds and that are not over: after a restart, those to go on with. First come first."""

    def kept(self) -> tuple[set[str], set[str]]:
        """Ids of all jobs, and the keys of their uploads: what else lies among the files belongs to nobody."""

    def counts(self) -> Mapping[State, int]: ...

    def close(self) -> None: ...


class JobQueue(Protocol):
    """Whose turn it is, by the ids of jobs. It may forget one: the store knows all that are not over."""

    def put(self, id: str, priority: int, turn: int = 0) -> None:
        """Within a priority the lower ``Job.turn`` is served first, then the one that came first."""

    def refill(self, jobs: Iterable[Job]) -> int:
        """Put in those that are not in it (``JobStore.unfinished``); how many. An id may still come out twice."""

    def take(self, seconds: float) -> str | None:
        """The next job's id, most urgent first; None where none comes in that time."""

    def close(self) -> None: ...


class Files(Protocol):
    """Uploads, pages and results, by the service's own names. Written whole or not at all."""

    def receive(self, data: Iterator[bytes], *, name: str, max_bytes: int) -> Upload:
        """Keep a file as it streams in. Raises ``TooLargeSource`` at the first byte too many, ``UnsupportedSource``
        where its first bytes are of no format that docparse reads; what had come is removed."""

    def twin(self, upload: Upload) -> Upload:
        """The same file once more, for another job: either may be removed. Raises ``UnreadableSource`` where it is
        gone."""

    def settle(self, upload: Upload) -> None:
        """Have it survive a power failure too: before a job of it is promised to anybody."""

    def local(self, upload: Upload) -> Path:
        """The file on this machine's disk. Raises ``UnreadableSource`` where it is gone."""

    def put_page(self, job: str, page: Page, words: Sequence[Word] = ()) -> None: ...

    def page(self, job: str, number: int, *, words: bool = True) -> tuple[Page, tuple[Word, ...]] | None:
        """None where there is none, or none that can be read: it has to be read again. ``words``: whether they are
        wanted, which cost more than the page."""

    def put_picture(self, job: str, name: str, data: bytes) -> None:
        """How a page looks. ``name`` as that of a result; pictures stay when results are dropped."""

    def picture(self, job: str, name: str) -> bytes | None: ...

    def put_result(self, job: str, name: str, data: bytes) -> None:
        """``name``: the service's own, of lower case letters, digits, ``.``, ``-`` and ``_``."""

    def result(self, job: str, name: str) -> bytes | None: ...

    def drop_results(self, job: str, *, keep: str = "") -> None:
        """Those that were made of pages that have changed; ``keep``: the name of one that stays."""

    def corrected(self, job: str) -> dict[int, int]:
        """Pages that have corrections, and the latest revision of these."""

    def corrections(self, job: str, number: int, revision: int) -> bytes | None: ...

    def put_corrections(self, job: str, number: int, revision: int, data: bytes) -> bool:
        """Durable when it returns. False where this revision is there already: of two that write it at once, in
        whatever process, one has written it."""

    def remove(self, job: str, upload: Upload) -> None: ...

    def sweep(self, *, uploads: Set[str], jobs: Set[str], before: float) -> int:
        """Remove what is older than ``before`` and belongs to none of these: what processes left that died."""


@dataclass(frozen=True, slots=True)
class PageTask:
    """A page to be read, for whom. ``client``: those of one share its turns. ``name``: what the file is called."""

    job: str
    client: str
    priority: int
    path: Path
    number: int
    spec: JobSpec
    name: str = ""
    attempt: int = 1
    cancelled: Callable[[], bool] = lambda: False


@dataclass(frozen=True, slots=True)
class PageRead:
    """A page that was read, the words seen on it, and who read it, and why that one."""

    page: Page
    words: tuple[Word, ...]
    record: PageRecord
    engine: EngineInfo = EngineInfo()


class Readers(Protocol):
    """Pages of all requests, by one engine or one pool of processes, fairly between clients.

    Files are opened in other processes, without a network, with bounds on memory and time; a file that kills one
    costs its own pages only.
    """

    def check(self, spec: JobSpec) -> None:
        """Raises ``EngineUnavailable`` where ``spec`` names an engine that is not here, or a prompt for one that
        cannot be asked."""

    def open(
        self, path: Path, spec: JobSpec, *, name: str, client: str = "", job: str = "", priority: int = USUAL
    ) -> Future[tuple[Source, tuple[int, ...]]]:
        """What the file is and the pages that ``spec`` means. Fails with ``DocparseError``."""

    def read(self, task: PageTask) -> Future[PageRead]:
        """Never fails for a page: one that cannot be read is a failed page. ``CancelledError`` where it is
        cancelled while it waits."""

    def draw(self, task: PageTask, own: Size | None, view: View) -> Future[bytes]:
        """The task's page as a JPEG. ``own``: the size that the page was read at; None: nobody knows. Fails with
        ``DocparseError``; raises ``RequestError`` for a crop beside the page."""

    def fields(self, task: PageTask, document: Document, words: Mapping[int, Sequence[Word]]) -> Future[dict[str, Any]]:
        """What of the document ``task.spec`` has a schema for, as ``Extraction.to_dict`` has it, by the extractor that
        needs no model. Fails with ``DocparseError``."""

    def asker(self, spec: JobSpec) -> Asks | None:
        """The model that reads for ``spec``, to ask about pictures, from any thread; None where there is none."""

    def engines(self) -> list[EngineState]: ...

    def load(self) -> Mapping[str, float]:
        """Pages waiting, pages in hand, workers, restarts, for the metrics."""

    def close(self, *, drain: float = 0.0) -> None:
        """End; pages in hand may take ``drain`` seconds more."""


@dataclass(frozen=True, slots=True)
class Result:
    """A result to send."""

    data: bytes
    media_type: str
    filename: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question about one page, as ``grounding.ground`` takes it."""

    text: str = ""
    bbox: tuple[float, float, float, float] | None = None
    page: int = 1
    points: bool = False
    dpi: float | None = None
    password: str | None = None


@dataclass(frozen=True, slots=True)
class Again:
    """How a page is read again. What is left out is as it was: engine, resolution; without a prompt, all of the page.

    ``prompt``: what a model is asked, by name or in words. ``bbox``: a region, in pixels of the page as it was read.
    """

    engine: str = ""
    dpi: float | None = None
    prompt: str = ""
    bbox: tuple[float, float, float, float] | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """A page as another reading has it, in pixels of the page as it was read first, and what became of each element."""

    page: Page
    changes: tuple[Change, ...]


@dataclass(frozen=True, slots=True)
class EngineState:
    """An engine, and whether it can be had here. ``reason`` says why not, or why it is the default;
    ``answers``: it can be asked questions (``ground``)."""

    name: str
    available: bool
    default: bool = False
    reason: str = ""
    model: str = ""
    answers: bool = False


@dataclass(frozen=True, slots=True)
class Figures:
    """Numbers for the metrics, since the service started where they count something.

    jobs      by state, as the store counts them
    verdicts  pages that were read, by engine and status
    readers   ``Readers.load``: pages waiting, pages in hand, workers, restarts, batch fill, memory
    """

    jobs: Mapping[State, int]
    verdicts: Mapping[tuple[str, Status], int]
    readers: Mapping[str, float]


class Service(Protocol):
    """What HTTP, the viewer and the MCP server call. Every call is for an owner.

    Raises ``JobNotFound``, ``QueueFull``, ``JobNotReady`` and the other errors of docparse.

    A file that came with ``receive`` belongs to whoever called it until ``submit`` or ``ground`` takes it over, or
    ``discard`` removes it. Where these raise, or answer with a job that was there before, they have removed it.
    """

    async def room(self, *, owner: str) -> None:
        """Raises ``QueueFull`` where ``submit`` would: nobody need send a file in vain."""

    async def receive(self, data: AsyncIterator[bytes], *, name: str, owner: str) -> Upload:
        """Whatever ``data`` raises, and a cancellation, leaves nothing behind."""

    async def discard(self, upload: Upload, *, owner: str) -> None: ...

    async def submit(
        self,
        upload: Upload,
        spec: JobSpec,
        *,
        owner: str,
        priority: int = 1,
        idempotency_key: str | None = None,
    ) -> Job: ...

    async def wait(self, id: str, *, owner: str, seconds: float) -> Job:
        """Until it is over, or the time is."""

    async def job(self, id: str, *, owner: str) -> Job: ...

    async def jobs(
        self, *, owner: str, limit: int = 100, before: str | None = None, readings: bool = False
    ) -> list[Job]:
        """Newest first. ``readings``: those that read a page of another one again too."""

    async def reread(self, id: str, number: int, again: Again, *, owner: str) -> Job:
        """A job of its own, over the same file, that reads a page again. It goes with the job that it is a reading of.

        Raises ``JobNotReady`` where the page was not read yet, ``RequestError`` for a region that is not on it,
        ``EngineUnavailable`` for an engine that is not here, or takes no prompt."""

    async def reading(self, id: str, number: int, reading: str, *, owner: str) -> Reading:
        """Compare a page with what the job ``reading`` made of it. Raises ``JobNotReady`` where that is not over."""

    async def pages(self, id: str, *, owner: str) -> list[PageRecord]: ...

    async def position(self, id: str, *, owner: str) -> int: ...

    def events(self, id: str, *, owner: str, after: int = 0) -> AsyncIterator[Event]:
        """Those that were, then those that come, until the job is over."""

    async def result(
        self, id: str, to: str, *, owner: str, selection: Selection = ALL, as_read: bool = False
    ) -> Result:
        """In a format of ``docparse schema --formats``, ``zip`` of all of them, ``fields``, or ``page-3`` as JSON.

        A ``selection`` of pages can be had as soon as these were read; ``as_read``: without corrections.
        """

    async def corrections(self, id: str, number: int, *, owner: str) -> Layer:
        """What people changed of a page, and the page with it. Raises ``PageRangeError``, ``JobNotReady``."""

    async def correct(
        self, id: str, number: int, revision: int, corrections: Sequence[Correction], *, owner: str
    ) -> Layer:
        """Have the page these instead. Raises ``CorrectionsConflict`` where it is not at ``revision`` any more."""

    async def fields(self, id: str, schema: str | dict[str, Any], *, owner: str) -> Result:
        """The fields JSON of a job that is over, by any schema, from its pages as they are corrected now."""

    async def picture(self, id: str, number: int, view: View, *, owner: str) -> Result:
        """How a page looks, as soon as it was read. Raises ``PageRangeError``, ``JobNotReady``, ``RequestError`` for
        a crop beside the page, ``SourceError`` where it cannot be drawn."""

    async def evidence(self, id: str, number: int, *, owner: str) -> Evidence:
        """What was seen on a page, as soon as it was read, and what of it its elements have."""

    async def cancel(self, id: str, *, owner: str) -> Job: ...

    async def remove(self, id: str, *, owner: str) -> None: ...

    async def retry(self, id: str, number: int, *, owner: str, engine: str = "", dpi: float | None = None) -> Job: ...

    async def ground(self, upload: Upload, question: Question, *, owner: str) -> Grounding:
        """Raises ``EngineUnavailable`` where no model is there to be asked."""

    async def engines(self) -> list[EngineState]: ...

    async def figures(self) -> Figures: ...

    async def ready(self) -> Mapping[str, str]:
        """Parts by name (``store``, ``disk``, ``engine``): empty where one works, else what is wrong, in a sentence."""

    def start(self) -> None: ...

    def stop(self, *, drain: float) -> None:
        """Take no new pages, let those in hand end for ``drain`` seconds, give the rest back to the queue."""
