"""PDF files: PyMuPDF opens, describes and draws them; pdf2image (poppler) is the second renderer.

The second renderer is used when asked for, or when PyMuPDF cannot open a file or draw a page; which
one drew is recorded. It draws only: a page that PyMuPDF cannot open has no text layer.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import re
import tempfile
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from docparse import mupdf_attachments, mupdf_page
from docparse.attachments import Attachment
from docparse.errors import (
    CorruptSource,
    DocparseError,
    EmptySource,
    EncryptedSource,
    EngineUnavailable,
    SourceTimeout,
    TooLargeSource,
)
from docparse.geometry import Rotation
from docparse.limits import Limits
from docparse.raster import RawPage

T = TypeVar("T")

_ROTATIONS: dict[int, Rotation] = {0: 0, 90: 90, 180: 180, 270: 270}


def open_pdf(
    file: str | bytes, name: str, password: str | None, renderer: str, limits: Limits
) -> PyMuPdfReader | PopplerReader:
    """A reader for a PDF. Raises ``EncryptedSource``, ``EmptySource`` or ``CorruptSource``."""
    if renderer == "pdf2image":
        return PopplerReader(file, name, password, limits)
    try:
        return PyMuPdfReader(file, name, password, limits, may_fall_back=renderer == "auto")
    except CorruptSource as first:
        if renderer == "pymupdf":
            raise
        try:
            return PopplerReader(file, name, password, limits)
        except (EngineUnavailable, CorruptSource):
            # The first error says more than that a second program is missing, or fails as well.
            raise first from None


def _mupdf() -> Any:
    pymupdf: Any = importlib.import_module("pymupdf")
    # MuPDF prints its repairs on stderr; they are no concern of the user's.
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    return pymupdf


KEPT_PAGES = 32
"""Pages after which MuPDF's store of fonts and pictures is emptied. By itself it keeps 256 MiB of what pages had that
nobody will look at again: a file joined of many, each with fonts of its own, took 0.73 MiB a page, and takes 0.17
(400 pages, 2026-11-21), in the same time."""


class PyMuPdfReader:
    """Reads with PyMuPDF. ``describe`` gives the text layer, ``draw`` the pixels."""

    renderer = "pymupdf"

    def __init__(
        self, file: str | bytes, name: str, password: str | None, limits: Limits, *, may_fall_back: bool = True
    ) -> None:
        pymupdf = _mupdf()
        self.name = name
        self._file = file
        self._password = password
        self._limits = limits
        self._described = 0
        self._may_fall_back = may_fall_back
        self._second: PopplerReader | None = None
        with self._damage("the PDF cannot be opened"):
            if isinstance(file, bytes):
                self._pdf = pymupdf.open(stream=file, filetype="pdf")
            else:
                self._pdf = pymupdf.open(file, filetype="pdf")
            locked = self._pdf.needs_pass
        if locked and not self._unlock(password):
            self._pdf.close()
            raise wrong_password(name, password)
        with self._damage("the pages of the PDF cannot be found"):
            self.num_pages = int(self._pdf.page_count)
        if self.num_pages == 0 and not self._pdf.is_repaired:
            raise EmptySource("the PDF has no pages.", file=name)
        if self.num_pages == 0:
            raise CorruptSource("the PDF has no pages that can be found.", file=name)
        if self._pdf.is_repaired and not self._has_content():
            # MuPDF rebuilds a file from whatever objects it finds; empty pages are no recovery.
            raise CorruptSource("the PDF is damaged and nothing of its pages could be recovered.", file=name)

    def _has_content(self) -> bool:
        """Whether any of the first pages has a content stream."""
        for number in range(1, min(self.num_pages, 20) + 1):
            with contextlib.suppress(CorruptSource), self._damage("the page cannot be loaded"):
                if self._pdf.load_page(number - 1).get_contents():
                    return True
        return False

    def _unlock(self, password: str | None) -> bool:
        if password is None:
            return False
        # A password from the command line may hold bytes that are no text.
        octets = password.encode("utf-8", "surrogateescape")
        # Old encryptions (R2 to R4) hash the password in PDFDocEncoding, which is Latin-1 for
        # letters; MuPDF passes on the bytes of what it is given.
        return any(self._pdf.authenticate(octets.decode(way, "replace")) for way in ("utf-8", "latin-1"))

    def describe(self, number: int) -> RawPage:
        try:
            return self._describe(number)
        except CorruptSource as first:
            # Without a text layer, but a page to look at.
            return self._second_try(first, lambda second: second.describe(number))

    def draw(self, number: int, width: int, height: int) -> bytes:
        try:
            return self._draw(number, width, height)
        except CorruptSource as first:
            return self._second_try(first, lambda second: second.draw(number, width, height))

    def attachments(self) -> tuple[Attachment, ...]:
        with self._damage("the list of the embedded files is damaged"):
            return mupdf_attachments.attachments(self._pdf, self._limits)

    def _second_try(self, first: CorruptSource, ask: Callable[[PopplerReader], T]) -> T:
        """What the second renderer says; where it says nothing, the error of the first stands."""
        if not self._may_fall_back or self._pdf.is_closed:
            raise first
        try:
            self._second = self._second or PopplerReader(self._file, self.name, self._password, self._limits)
            answer = ask(self._second)
        except DocparseError:
            raise first from None
        self.renderer = "pymupdf+pdf2image"
        return answer

    def _describe(self, number: int) -> RawPage:
        self._described += 1
        if self._described % KEPT_PAGES == 0:
            _mupdf().TOOLS.store_shrink(100)
        with self._damage("the page cannot be loaded", number):
            page = self._pdf.load_page(number - 1)
            rect = page.rect
            rotation = _ROTATIONS.get(page.rotation % 360, 0)
        width, height = max(rect.width, 1.0), max(rect.height, 1.0)
        size = (height, width) if rotation in (90, 270) else (width, height)
        with self._damage("the content of the page is damaged", number):
            return RawPage(size_pt=size, rotation=rotation, raw=mupdf_page.extract(page))

    def _draw(self, number: int, width: int, height: int) -> bytes:
        pymupdf = _mupdf()
        with self._damage("the page cannot be drawn", number):
            page = self._pdf.load_page(number - 1)
            matrix = pymupdf.Matrix(width / max(page.rect.width, 1.0), height / max(page.rect.height, 1.0))
            pixmap = page.get_pixmap(matrix=matrix, colorspace=pymupdf.csRGB, alpha=False)
            return _fitted(bytes(pixmap.samples), pixmap.width, pixmap.height, width, height)

    @contextlib.contextmanager
    def _damage(self, what: str, number: int | None = None) -> Iterator[None]:
        """Turns whatever MuPDF and its wrapper raise on a bad file into one error of ours."""
        try:
            yield
        except DocparseError:
            raise
        except MemoryError as error:
            raise _too_large(self.name, number) from error
        # MuPDF's errors have no base in common with Python's, and its wrapper, which trusts what
        # it reads, raises whatever comes.
        except Exception as error:
            if "alloc" in str(error):
                raise _too_large(self.name, number) from error
            raise CorruptSource(f"{what} ({_reason(error)}).", file=self.name, page=number) from error

    def close(self) -> None:
        self._pdf.close()
        if self._second is not None:
            self._second.close()


class PopplerReader:
    """Draws with poppler's ``pdftoppm`` through pdf2image. Pages have no text layer here."""

    renderer = "pdf2image"

    def __init__(self, file: str | bytes, name: str, password: str | None, limits: Limits) -> None:
        self.name = name
        self._password = password or ""
        self._limits = limits
        self._pages: dict[int, RawPage] = {}
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        if isinstance(file, bytes):
            self._scratch = tempfile.TemporaryDirectory(prefix="docparse-")
            path = os.path.join(self._scratch.name, "input.pdf")
            with open(path, "wb") as stream:
                stream.write(file)
            file = path
        # Absolute, so that no file's name can be taken for an option.
        self._file = os.path.abspath(file)
        try:
            with _poppler(self, "the PDF cannot be opened by either renderer", password=password):
                info = self._info()
                self.num_pages = int(info.get("Pages", 0))
            if self.num_pages == 0:
                raise CorruptSource("the PDF has no pages that can be found.", file=name)
        except DocparseError:
            self.close()
            raise

    def _info(self, number: int | None = None) -> dict[str, Any]:
        import pdf2image

        which: Any = number  # pdf2image annotates what has a default of None as if it had not
        seconds: Any = self._limits.page_seconds
        return dict(
            pdf2image.pdfinfo_from_path(
                self._file, userpw=self._password, timeout=seconds, first_page=which, last_page=which
            )
        )

    def describe(self, number: int) -> RawPage:
        if number not in self._pages:
            with _poppler(self, "the page cannot be loaded", number):
                info = self._info(number)
                size = _SIZE.match(str(info.get(f"Page {number:>4} size", info.get("Page size", ""))))
                if size is None:
                    raise CorruptSource("the page has no size.", file=self.name, page=number)
                rotation = _ROTATIONS.get(int(info.get(f"Page {number:>4} rot", 0)) % 360, 0)
            points = max(float(size[1]), 1.0), max(float(size[2]), 1.0)
            self._pages[number] = RawPage(size_pt=points, rotation=rotation)
        return self._pages[number]

    def draw(self, number: int, width: int, height: int) -> bytes:
        import pdf2image

        page = self.describe(number)
        # By resolution and not by size, which pdftoppm understands as that of the unrotated page.
        dpi: Any = 72 * width / page.size_pt[1 if page.rotation in (90, 270) else 0]
        seconds: Any = self._limits.page_seconds
        with _poppler(self, "the page cannot be drawn", number):
            images = pdf2image.convert_from_path(
                self._file,
                dpi=dpi,
                first_page=number,
                last_page=number,
                userpw=self._password,
                use_cropbox=True,
                timeout=seconds,
            )
            if not images:
                raise CorruptSource("the page cannot be drawn.", file=self.name, page=number)
            image = images[0].convert("RGB")
            if abs(image.width - width) > 1 or abs(image.height - height) > 1:
                image = image.resize((width, height))
            return _fitted(image.tobytes(), image.width, image.height, width, height)

    def attachments(self) -> tuple[Attachment, ...]:
        return ()

    def close(self) -> None:
        if self._scratch is not None:
            self._scratch.cleanup()


_SIZE = re.compile(r"(\d+\.?\d*) x (\d+\.?\d*)")


@contextlib.contextmanager
def _poppler(
    reader: PopplerReader, what: str, number: int | None = None, *, password: str | None = None
) -> Iterator[None]:
    """Turns what pdf2image raises into one error of ours."""
    from pdf2image import exceptions

    try:
        yield
    except (exceptions.PDFInfoNotInstalledError, exceptions.PopplerNotInstalledError) as error:
        raise EngineUnavailable(
            "the second renderer needs poppler, which is not installed.",
            file=reader.name,
            hint="Install poppler-utils (Debian, Ubuntu) or poppler (Homebrew, conda).",
        ) from error
    except exceptions.PDFPopplerTimeoutError as error:
        seconds = reader._limits.page_seconds
        raise SourceTimeout(f"it took longer than {seconds:g} s.", file=reader.name, page=number) from error
    except MemoryError as error:
        raise _too_large(reader.name, number) from error
    except (exceptions.PDFPageCountError, exceptions.PDFSyntaxError, OSError, ValueError) as error:
        if "password" in str(error).lower():
            raise wrong_password(reader.name, password) from error
        raise CorruptSource(f"{what}.", file=reader.name, page=number) from error


def _too_large(name: str, number: int | None) -> TooLargeSource:
    return TooLargeSource("the file needs more memory than it may have.", file=name, page=number)


def wrong_password(name: str, password: str | None) -> EncryptedSource:
    if password is None:
        return EncryptedSource("the PDF is protected by a password.", file=name, hint="Give it with --password.")
    return EncryptedSource("the password does not open the PDF.", file=name, hint="Check it and try again.")


def _reason(error: BaseException) -> str:
    """MuPDF's own words, unless they only repeat the path."""
    text = re.sub(r"^code=\d+: ", "", str(error).strip().split("\n")[0])
    return "its structure is broken" if not text or "Failed to open" in text else text[:120]


def _fitted(samples: bytes, width: int, height: int, wanted_width: int, wanted_height: int) -> bytes:
    """Pixmaps can be a pixel larger than asked for, where the page's edge falls between pixels."""
    if (width, height) == (wanted_width, wanted_height):
        return samples
    from PIL import Image

    image = Image.frombytes("RGB", (width, height), samples)
    fitted = Image.new("RGB", (wanted_width, wanted_height), "white")
    fitted.paste(image, (0, 0))
    return fitted.tobytes()
