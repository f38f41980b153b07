"""Results from the pages of a job: its document, exports of it, its fields.

Pixels are drawn by the file's isolated reader, never here. What was made is kept; who asks again gets the same bytes.
"""

from __future__ import annotations

import io
import json
import re
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from docparse import __version__
from docparse.api.corrected import CorrectedPages
from docparse.api.job import URGENT, Job
from docparse.api.ports import Files, JobStore, PageTask, Readers, Result
from docparse.api.readers import schema_of
from docparse.convert import Options, open_for, page_images
from docparse.corrected_words import corrected_words
from docparse.document import Document, EngineInfo, Page, Source
from docparse.errors import DocparseError, ExportError, JobNotReady, PageRangeError
from docparse.exporters import FORMATS, Images, export, find, write_files
from docparse.exporters.sft import vouched_for
from docparse.extract.extraction import extract_document, source_attachments
from docparse.extract.schemas import load_schema
from docparse.json_form import from_dict, to_dict
from docparse.qwenvl_html import write_block
from docparse.selection import ALL, Selection, select
from docparse.source import parse_pages
from docparse.textlayer import Word

HEAD = "head.json"
"""The document without its pages: kept as a result, though nobody asks for it."""
FIELDS = "fields"
ZIP = "zip"
_PAGE = re.compile(r"page-([1-9][0-9]{0,8})")
_STEM = re.compile(r"[^\w.-]+")
RESULT_BYTES = 1024**3


class Maker:
    """Makes results of jobs. ``options``: how files are opened; ``most``: bytes of a result."""

    def __init__(
        self, store: JobStore, files: Files, readers: Readers, options: Options, *, most: int = RESULT_BYTES
    ) -> None:
        self._store = store
        self._files = files
        self._readers = readers
        self._options = options
        self._most = most
        self.corrected = CorrectedPages(files)

    # ------------------------------------------------------------------------ the document

    def keep_head(self, job: Job, source: Source, engine: EngineInfo) -> None:
        document = Document((), source, engine, __version__)
        self._files.put_result(job.id, HEAD, json.dumps(to_dict(document)).encode())

    def head(self, job: Job) -> Document | None:
        """The document without its pages; None where it is not known yet."""
        data = self._files.result(job.id, HEAD)
        if data is None:
            return None
        try:
            return from_dict(json.loads(data))
        except (DocparseError, ValueError):  # cut short by a power failure
            return None

    def document(
        self, job: Job, numbers: Sequence[int] | None = None, *, words: bool = True, as_read: bool = False
    ) -> tuple[Document, dict[int, Sequence[Word]]]:
        """The pages that were read, or those of them, and the words on them, where they are wanted. Corrected, but
        for ``as_read``."""
        head = self.head(job)
        if head is None:
            upload = job.upload
            source = Source(upload.name, upload.sha256, upload.bytes, upload.media_type, job.num_pages or 0)
            head = Document((), source, EngineInfo(), __version__)
        if numbers is None:
            numbers = [record.number for record in self._store.pages(job.id) if record.state == "read"]
        pages: list[Page] = []
        seen: dict[int, Sequence[Word]] = {}
        for number in sorted(numbers):
            found = self._files.page(job.id, number, words=words)
            if found is None:
                raise JobNotReady(f"page {number} is not there.", hint="Have it read again.")
            page, seen[number] = found
            pages.append(page)
        document = Document(tuple(pages), head.source, head.engine, head.version)
        return (document if as_read else self.corrected.document(job.id, document)), seen

    def check_page(self, job: Job, number: int) -> None:
        """Raises ``PageRangeError`` where the job has no such page, ``JobNotReady`` where it is not read yet."""
        record = next((r for r in self._store.pages(job.id) if r.number == number), None)
        if record is None and job.num_pages is not None:
            raise PageRangeError(f"the job has no page {number}.")
        if record is None or record.state != "read":
            raise _not_ready(job, f"page {number} is not read yet.")

    # ------------------------------------------------------------------------ results

    def check(self, to: str) -> None:
        """Raises ``ExportError`` for a format that does not exist."""
        if to not in (FIELDS, ZIP) and not _PAGE.fullmatch(to):
            find(to)

    def forget(self, job: Job) -> None:
        """Drop what was made of pages that have changed."""
        # The head is of no page: it is never away, not while two do this, nor where it ends in the middle.
        self._files.drop_results(job.id, keep=HEAD)

    def result(self, job: Job, to: str, *, selection: Selection = ALL, as_read: bool = False) -> Result:
        """``as_read``: without corrections. A selection of pages can be had as soon as these were read; it is made
        anew for whoever asks, as is what stood before corrections.

        Raises ``JobNotReady`` where the job is not that far, ``ExportError`` for no format and for blocks that are
        not there, ``PageRangeError``.
        """
        self.check(to)
        if match := _PAGE.fullmatch(to):
            return self._page(job, int(match[1]), as_read=as_read)
        name = to if to in (FIELDS, ZIP) else find(to).name
        if selection or as_read:
            return self._selected(job, name, selection, as_read=as_read)
        if job.state != "done":
            raise _not_ready(job)
        # Of each state of the corrections a file of its own: what was begun on another is not taken for this one.
        kept = name + self.corrected.stamp(job.id)
        data = self._files.result(job.id, kept)
        if data is None:
            data = self._bounded(self._made(job, name))
            self._files.put_result(job.id, kept, data)
        return self._sent(name, data, stem(job))

    def _bounded(self, data: bytes) -> bytes:
        if len(data) > self._most:
            raise ExportError(f"the result has {len(data):,} bytes; the limit is {self._most:,}.")
        return data

    def _selected(self, job: Job, name: str, selection: Selection, *, as_read: bool) -> Result:
        if name == FIELDS and selection:
            raise ExportError("fields are of a whole document.", hint="Leave pages and blocks out.")
        numbers = self._numbers(job, selection)
        if name == FIELDS:
            return self._sent(name, self._fields(job, as_read=as_read), stem(job))
        document, _ = self.document(job, numbers, words=False, as_read=as_read)
        if selection.blocks:
            document = select(document, blocks=selection.blocks)
        called = stem(job, selection)
        with ExitStack() as open_for_it:
            data = self._bounded(self._exported(job, document, name, called, open_for_it))
        return self._sent(name, data, called)

    def _numbers(self, job: Job, selection: Selection) -> list[int] | None:
        """The pages that are meant, which were read; None: all of a job that is done."""
        if selection.pages is None:
            if job.state != "done":
                raise _not_ready(job)
            return None
        head = self.head(job)
        states = {record.number: record.state for record in self._store.pages(job.id)}
        if head is None or not states:
            raise _not_ready(job)
        meant = parse_pages(selection.pages, head.source.pages, name=job.upload.name)
        numbers = [number for number in meant if number in states]
        if not numbers:
            raise PageRangeError(f"the job has no page {selection.pages}.", file=job.upload.name)
        for number in numbers:
            if states[number] != "read":
                raise _not_ready(job, f"page {number} is not read yet.")
        return numbers

    def _page(self, job: Job, number: int, *, as_read: bool) -> Result:
        self.check_page(job, number)
        document, _ = self.document(job, [number], words=False, as_read=as_read)
        (page,) = to_dict(document, html=write_block)["pages"]
        data = json.dumps(page, ensure_ascii=False).encode()
        return Result(data, "application/json", f"{stem(job)}.page-{number}.json")

    def _made(self, job: Job, name: str) -> bytes:
        if name == FIELDS:
            return self._fields(job, as_read=False)
        document, _ = self.document(job, words=False)
        with ExitStack() as open_for_it:
            return self._exported(job, document, name, stem(job), open_for_it, fields=job.spec.kind == "extract")

    def _exported(
        self, job: Job, document: Document, name: str, called: str, open_for_it: ExitStack, *, fields: bool = False
    ) -> bytes:
        """``called``: what its files are called, without endings; ``fields``: an archive has those of the job too."""
        images = self._images(job, document, open_for_it)
        if name == ZIP:
            return self._zip(job, document, called, images, fields=fields)
        chosen = find(name)
        # Of the formats that can do without pixels, this one has its pictures in its own file.
        wants = chosen.images == "required" or chosen.name == "html-page"
        files = export(document, name, images=images if wants else None, stem=called).files
        if len(files) == 1:
            (content,) = files.values()
            return content.encode("utf-8") if isinstance(content, str) else content
        return _zipped(files)

    def _sent(self, name: str, data: bytes, called: str) -> Result:
        if name == FIELDS:
            return Result(data, "application/json", f"{called}.fields.json")
        if name == ZIP or data[:4] == b"PK\x03\x04":
            return Result(data, "application/zip", f"{called}.{name}.zip" if name != ZIP else f"{called}.zip")
        chosen = find(name)
        return Result(data, chosen.media_type, called + re.sub(r"-?\{.*\}", "", chosen.suffix))

    def _zip(self, job: Job, document: Document, called: str, images: Images, *, fields: bool) -> bytes:
        """All formats, and the fields where there are any. Made on disk: pictures of many pages are large."""
        out = io.BytesIO()
        with tempfile.TemporaryDirectory(prefix="docparse-") as folder:
            size = 0
            with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, known in FORMATS.items():
                    if known.needs is not None:
                        continue  # one archive is the same on every machine
                    if name == "sft" and not vouched_for(document):
                        continue  # nobody has looked at it: there is nothing to learn from
                    for path in write_files(document, name, folder, called, images=images):
                        size += path.stat().st_size
                        if size > self._most:
                            raise ExportError(
                                f"all results together are larger than the limit of {self._most:,} bytes.",
                                hint="Ask for one format.",
                            )
                        archive.write(path, path.relative_to(folder))
                        path.unlink()
                if fields:
                    archive.writestr(f"{called}.fields.json", self.result(job, FIELDS).data)
        return out.getvalue()

    def _images(self, job: Job, document: Document, open_for_it: ExitStack) -> Images:
        """The pixels of the pages, by an isolated reader that is opened for the first one."""
        opened: list[Images] = []

        def images(number: int) -> Any:
            if not opened:
                path = self._files.local(job.upload)
                options = Options(
                    password=job.spec.password,
                    renderer=self._options.renderer,
                    isolate=True,
                    limits=self._options.limits,
                )
                source = open_for_it.enter_context(open_for(path, options, name=job.upload.name))
                opened.append(page_images(source, document.pages))
            return opened[0](number)

        return images

    # ------------------------------------------------------------------------ fields

    def fields(self, job: Job, schema: str | dict[str, Any]) -> Result:
        """The fields of a job that is over, by any schema, from its pages as they are now. Made anew each time.

        Raises ``JobNotReady`` where the job is not over, or none of its pages was read; ``SchemaError``.
        """
        records = self._store.pages(job.id)
        if not job.over or not any(record.state == "read" for record in records):
            raise _not_ready(job)
        asked = replace(job, priority=URGENT, spec=replace(job.spec, kind="extract", schema=schema))
        return self._sent(FIELDS, self._bounded(self._fields(asked, as_read=False)), stem(job))

    def _fields(self, job: Job, *, as_read: bool) -> bytes:
        if job.spec.kind != "extract":
            raise ExportError("the job was sent to be parsed; it has no fields.", hint="Send it as an extraction.")
        document, words = self.document(job, as_read=as_read)
        words = {**words, **dict(self._words_now(job, document, words))}
        asker = self._readers.asker(job.spec)
        if asker is None:
            path = self._files.local(job.upload)
            task = PageTask(job.id, job.owner, job.priority, path, 0, job.spec, job.upload.name)
            found = self._readers.fields(task, document, words).result()
        else:
            found = self._asked(job, document, words, asker)
        return (json.dumps(found, indent=1) + "\n").encode()

    def _words_now(
        self, job: Job, document: Document, words: Mapping[int, Sequence[Word]]
    ) -> Iterator[tuple[int, Sequence[Word]]]:
        """Of pages that were corrected: what is said there now, which is what fields are found in."""
        numbers = sorted({each.page for each in document.corrections if each.applied})
        before, _ = self.document(job, numbers, words=False, as_read=True)
        now = {page.number: page for page in document.pages}
        for page in before.pages:
            yield page.number, corrected_words(page, now[page.number], words[page.number])

    def _asked(self, job: Job, document: Document, words: Mapping[int, Sequence[Word]], asker: Any) -> dict[str, Any]:
        """Fields by a model, which is shown the pages."""
        schema = load_schema(schema_of(job.spec))
        options = Options(password=job.spec.password, isolate=True, limits=self._options.limits)
        with open_for(self._files.local(job.upload), options, name=job.upload.name) as source:
            found = extract_document(
                document,
                schema,
                words=words,
                attachments=source_attachments(source) if schema.kind == "invoice" else (),
                asker=asker,
                pictures=page_images(source, document.pages),
            )
            return found.to_dict()


def stem(job: Job, selection: Selection = ALL) -> str:
    """A name for results that is safe in every file system: letters, digits, ``.``, ``-`` and ``_``."""
    name = _STEM.sub("-", Path(job.upload.name).stem).strip("-._")[:80] or "document"
    if selection.pages is not None:
        name += f".pages-{_STEM.sub('_', ''.join(selection.pages.split()))[:40]}"
    return f"{name}.blocks" if selection.blocks else name


def _not_ready(job: Job, message: str = "") -> DocparseError:
    if job.state == "failed" and job.failure is not None:
        return JobNotReady(f"the job failed: {job.failure.message}", hint="See its failure.")
    if job.state == "cancelled":
        return JobNotReady("the job was cancelled.")
    return JobNotReady(message or "the job is not over yet.", hint="Ask again when it is.")


def _zipped(files: Mapping[str, str | bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return out.getvalue()


__all__ = ["FIELDS", "HEAD", "RESULT_BYTES", "ZIP", "Maker", "stem"]
