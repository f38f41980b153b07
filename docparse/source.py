"""Opening an input: what it is by its bytes, which pages are meant, how it is read.

``open_source`` is the only door. The bytes decide the type, never the file's name. What this file
is not: it draws nothing and reads no text; that is the reader's work (``pdf_reader``,
``picture_reader``, or ``isolation`` when the caller wants the file kept out of its own process).
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import Literal, Protocol, Self

from docparse import document
from docparse.attachments import Attachment
from docparse.errors import (
    CorruptSource,
    EmptySource,
    PageRangeError,
    TooLargeSource,
    UnreadableSource,
    UnsupportedSource,
)
from docparse.limits import Limits
from docparse.raster import PageImage, RawPage, page_image

Renderer = Literal["auto", "pymupdf", "pdf2image"]

SUFFIXES = (".pdf", ".png", ".jpg", ".jpeg", ".tif", ".tiff", ".webp", ".bmp")
"""File names that a folder is searched for. A file named on its own may be called anything."""

PDF = "application/pdf"
_PICTURES = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"II*\0", "image/tiff"),
    (b"MM\0*", "image/tiff"),
    (b"II+\0", "image/tiff"),
    (b"MM\0+", "image/tiff"),
)
_KNOWN_BUT_UNREAD = (
    (b"PK\x03\x04", "a ZIP or Office file", "Save it as PDF and try again."),
    (b"\xd0\xcf\x11\xe0", "an old Office file", "Save it as PDF and try again."),
    (b"GIF8", "a GIF picture", "Save it as PNG and try again."),
    (b"{\\rtf", "an RTF file", "Save it as PDF and try again."),
    (b"%!PS", "a PostScript file", "Convert it to PDF (ps2pdf) and try again."),
    (b"\0\0\0\x0cjP  ", "a JPEG 2000 picture", "Save it as PNG and try again."),
)


def media_type(head: bytes, size: int, name: str) -> str:
    """The type of a file by its first kilobyte. Raises for what docparse does not read."""
    if size == 0:
        raise EmptySource("the file is empty.", file=name)
    for magic, kind in _PICTURES:
        if head.startswith(magic):
            return kind
    for magic, what, hint in _KNOWN_BUT_UNREAD:
        if head.startswith(magic):
            raise UnsupportedSource(f"this is {what}, which docparse does not read.", file=name, hint=hint)
    # The header may stand anywhere in the first kilobyte (ISO 32000-1, annex H, note 13).
    if b"%PDF-" in head[:1024]:
        return PDF
    if head.startswith(b"BM"):  # two letters that any text may begin with
        return "image/bmp"
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "image/webp"
    if head[4:8] == b"ftyp" and head[8:12] in (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"avif"):
        raise UnsupportedSource(
            "this is a HEIC or AVIF picture, which docparse does not read.",
            file=name,
            hint="Save it as JPEG or PNG and try again.",
        )
    raise UnsupportedSource(
        "this is neither a PDF nor a picture (PNG, JPEG, WebP, BMP, TIFF).",
        file=name,
        hint="The content of the file counts, not its name.",
    )


_RANGE = re.compile(r"(r?)([0-9]{1,9})(?:-(r?)([0-9]{1,9}))?")


def parse_pages(text: str | None, total: int, *, name: str | None = None) -> list[int]:
    """Page numbers (from 1) meant by ``1-5,8,r3-r1``; ``rN`` counts from the end. None: all.

    Numbers beyond the last page are left out of a range; a range that selects nothing is an error.
    Each page comes once, in page order.
    """
    if text is None or text.strip() in ("", "all"):
        return list(range(1, total + 1))
    pages: set[int] = set()
    for part in "".join(text.split()).split(","):
        match = _RANGE.fullmatch(part)
        if not match:
            raise PageRangeError(
                f"{part[:40]!r} is not a page range.",
                file=name,
                hint="Write page ranges like 1-5,8,r3-r1 (r1: the last).",
            )
        from_end, first, to_end, last = match.groups()
        start = total + 1 - int(first) if from_end else int(first)
        stop = start if last is None else total + 1 - int(last) if to_end else int(last)
        # 5-r1 may be upwards or not, depending on the file; 5-3 and r1-r3 never are.
        backwards = start > stop and bool(from_end) == bool(to_end)
        if int(first) == 0 or (last is not None and int(last) == 0) or backwards:
            raise PageRangeError(f"{part!r} is not a page range.", file=name, hint="Pages count from 1, upwards.")
        pages.update(range(max(start, 1), min(stop, total) + 1))
    if not pages:
        raise PageRangeError(f"{text!r} selects none of the {total} pages.", file=name)
    return sorted(pages)


class Reader(Protocol):
    """What opens one file and answers about its pages. ``draw`` returns RGB bytes."""

    renderer: str
    num_pages: int

    def describe(self, number: int) -> RawPage: ...
    def draw(self, number: int, width: int, height: int) -> bytes: ...
    def attachments(self) -> tuple[Attachment, ...]: ...
    def close(self) -> None: ...


_KEPT = 24
"""Described pages kept by an open source: a document's sample and a little more."""


class Source:
    """An open input: its facts (``info``) and its pages as ``PageImage``."""

    def __init__(self, reader: Reader, info: document.Source, limits: Limits, dpi: float | None) -> None:
        self.reader = reader
        self.info = info
        self.limits = limits
        self.dpi = dpi
        self._described: dict[int, RawPage] = {}

    @property
    def num_pages(self) -> int:
        return self.reader.num_pages

    @property
    def renderer(self) -> str:
        return self.reader.renderer

    def describe(self, number: int) -> RawPage:
        """What the reader says of a page. The last few answers are kept: engines look around."""
        if number not in self._described:
            while len(self._described) >= _KEPT:
                self._described.pop(next(iter(self._described)))
            self._described[number] = self.reader.describe(number)
        return self._described[number]

    def draw(self, number: int, width: int, height: int) -> bytes:
        return self.reader.draw(number, width, height)

    def attachments(self) -> tuple[Attachment, ...]:
        """The files embedded in a PDF, as ``Limits`` allows; pictures have none, and what poppler reads neither.

        Raises ``SourceError`` where the reader fails, which says nothing about the pages.
        """
        return self.reader.attachments()

    def page(self, number: int) -> PageImage:
        """Page ``number`` (from 1); its pixels are drawn when somebody asks for them."""
        return page_image(self, self.info.name, number, dpi=self.dpi, budget=self.limits.page_pixels)

    def pages(self, numbers: list[int] | None = None) -> Iterator[PageImage]:
        for number in numbers if numbers is not None else range(1, self.num_pages + 1):
            yield self.page(number)

    def close(self) -> None:
        self.reader.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_source(
    path: str | os.PathLike[str] | bytes,
    *,
    name: str | None = None,
    password: str | None = None,
    dpi: float | None = None,
    renderer: Renderer = "auto",
    limits: Limits | None = None,
    isolate: bool = False,
) -> Source:
    """Open a PDF or picture, given as a path or as its bytes.

    ``dpi`` fixes the resolution of PDF pages (None: native, DESIGN section 2). ``isolate`` opens the
    file in a child process under ``limits`` of memory and time, for files nobody vouches for.
    Raises ``SourceError`` and its kind.
    """
    limits = limits or Limits()
    data, file, shown = _take(path, name)
    size = len(data) if data is not None else os.path.getsize(file or "")
    if size > limits.max_bytes:
        raise TooLargeSource(f"the file has {size:,} bytes; the limit is {limits.max_bytes:,}.", file=shown)
    head, digest = _digest(data, file, shown)
    kind = media_type(head, size, shown)
    reader: Reader
    if isolate:
        from docparse.isolation import IsolatedReader

        reader = IsolatedReader(file if data is None else data, kind, shown, password, renderer, limits)
    else:
        reader = open_reader(file if data is None else data, kind, shown, password, renderer, limits)
    if reader.num_pages == 0:
        reader.close()
        raise EmptySource("the document has no pages.", file=shown)
    if reader.num_pages > limits.max_pages:
        reader.close()
        raise TooLargeSource(
            f"the document has {reader.num_pages:,} pages; the limit is {limits.max_pages:,}.", file=shown
        )
    info = document.Source(shown, digest, size, kind, reader.num_pages)
    return Source(reader, info, limits, dpi)


def open_reader(
    file: str | bytes | None, kind: str, name: str, password: str | None, renderer: Renderer, limits: Limits
) -> Reader:
    """The reader for a media type, in this process."""
    if file is None:
        raise CorruptSource("there is nothing to open.", file=name)
    if kind != PDF:
        from docparse.picture_reader import PictureReader

        return PictureReader(file, name, limits)
    from docparse.pdf_reader import open_pdf

    if isinstance(file, str) and os.fsencode(file) != file.encode("utf-8", "replace"):
        # A name need not be UTF-8, and PyMuPDF takes no other. Such files are few: they are read whole.
        file = Path(file).read_bytes()
    return open_pdf(file, name, password, renderer, limits)


def _take(path: str | os.PathLike[str] | bytes, name: str | None) -> tuple[bytes | None, str | None, str]:
    if isinstance(path, bytes):
        return path, None, name or "document"
    file = os.fspath(path)
    shown = name or Path(file).name
    if not os.path.exists(file):
        raise UnreadableSource("there is no such file.", file=file)
    if os.path.isdir(file):
        raise UnreadableSource("this is a folder.", file=file, hint="Give its files, or use docparse convert.")
    if not os.path.isfile(file):
        raise UnreadableSource("this is not a regular file.", file=file)
    return None, file, shown


def _digest(data: bytes | None, file: str | None, name: str) -> tuple[bytes, str]:
    if data is not None:
        return data[:1024], hashlib.sha256(data).hexdigest()
    try:
        with open(file or "", "rb") as stream:
            head = stream.read(1024)
            stream.seek(0)
            return head, hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise UnreadableSource(f"the file cannot be read ({error.strerror or error}).", file=name) from error
