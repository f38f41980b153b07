"""PDF files: PyMuPDF opens, describes and draws them; pdf2image (poppler) is the second renderer.

The second renderer is used when asked for, or when PyMuPDF cannot open a file or draw a page; which
one drew is recorded. It draws only: a page that PyMuPDF cannot open has no text layer.
"""

from __future__ import annotations

import importlib
import os
import tempfile
from typing import Any

from docparse import textlayer
from docparse.errors import CorruptSource, EncryptedSource, EngineUnavailable
from docparse.geometry import Rotation
from docparse.raster import RawPage

_ROTATIONS: dict[int, Rotation] = {0: 0, 90: 90, 180: 180, 270: 270}


def open_pdf(file: str | bytes, name: str, password: str | None, renderer: str) -> PyMuPdfReader | PopplerReader:
    """A reader for a PDF. Raises ``EncryptedSource`` or ``CorruptSource``."""
    if renderer == "pdf2image":
        return PopplerReader(file, name, password)
    try:
        return PyMuPdfReader(file, name, password, may_fall_back=renderer == "auto")
    except CorruptSource:
        if renderer == "pymupdf":
            raise
        try:
            return PopplerReader(file, name, password)
        except EngineUnavailable:
            pass  # the first error says more than that a second program is missing
        raise


def _mupdf() -> Any:
    pymupdf: Any = importlib.import_module("pymupdf")
    # MuPDF prints its repairs on stderr; they are no concern of the user's.
    pymupdf.TOOLS.mupdf_display_errors(False)
    pymupdf.TOOLS.mupdf_display_warnings(False)
    return pymupdf


class PyMuPdfReader:
    """Reads with PyMuPDF. ``describe`` gives the text layer, ``draw`` the pixels."""

    renderer = "pymupdf"

    def __init__(self, file: str | bytes, name: str, password: str | None, *, may_fall_back: bool = True) -> None:
        pymupdf = _mupdf()
        self.name = name
        self._file = file
        self._password = password
        self._may_fall_back = may_fall_back
        try:
            if isinstance(file, bytes):
                self._pdf = pymupdf.open(stream=file, filetype="pdf")
            else:
                self._pdf = pymupdf.open(file, filetype="pdf")
            locked = self._pdf.needs_pass
        except (RuntimeError, ValueError, OSError) as error:
            raise CorruptSource(f"the PDF cannot be opened ({_reason(error)}).", file=name) from error
        if locked and not self._unlock(password):
            self._pdf.close()
            raise wrong_password(name, password)
        try:
            self.num_pages = int(self._pdf.page_count)
        except (RuntimeError, ValueError) as error:
            raise CorruptSource(f"the pages of the PDF cannot be found ({_reason(error)}).", file=name) from error
        if self.num_pages == 0:
            raise CorruptSource("the PDF has no pages that can be found.", file=name)
        if self._pdf.is_repaired and not self._has_content():
            # MuPDF rebuilds a file from whatever objects it finds; empty pages are no recovery.
            raise CorruptSource("the PDF is damaged and nothing of its pages could be recovered.", file=name)

    def _has_content(self) -> bool:
        """Whether any of the first pages has a content stream."""
        for number in range(1, min(self.num_pages, 20) + 1):
            try:
                if self._load(number).get_contents():
                    return True
            except CorruptSource:
                continue
        return False

    def _unlock(self, password: str | None) -> bool:
        if password is None:
            return False
        # Old encryptions (R2 to R4) hash the password in PDFDocEncoding, which is Latin-1 for
        # letters; MuPDF passes on the bytes of what it is given.
        for attempt in (password, password.encode("utf-8").decode("latin-1")):
            if self._pdf.authenticate(attempt):
                return True
        return False

    def describe(self, number: int) -> RawPage:
        page = self._load(number)
        rect = page.rect
        rotation = _ROTATIONS.get(page.rotation % 360, 0)
        width, height = max(rect.width, 1.0), max(rect.height, 1.0)
        size = (height, width) if rotation in (90, 270) else (width, height)
        try:
            raw = textlayer.extract(page)
        except (RuntimeError, ValueError) as error:
            raise CorruptSource(
                f"the content of the page is damaged ({_reason(error)}).", **self._at(number)
            ) from error
        return RawPage(size_pt=size, rotation=rotation, raw=raw)

    def draw(self, number: int, width: int, height: int) -> bytes:
        pymupdf = _mupdf()
        page = self._load(number)
        rect = page.rect
        matrix = pymupdf.Matrix(width / max(rect.width, 1.0), height / max(rect.height, 1.0))
        try:
            pixmap = page.get_pixmap(matrix=matrix, colorspace=pymupdf.csRGB, alpha=False)
            return _fitted(bytes(pixmap.samples), pixmap.width, pixmap.height, width, height)
        except (RuntimeError, ValueError) as error:
            if self._may_fall_back:
                try:
                    data = PopplerReader(self._file, self.name, self._password).draw(number, width, height)
                except (EngineUnavailable, CorruptSource):
                    pass
                else:
                    self.renderer = "pymupdf+pdf2image"
                    return data
            raise CorruptSource(f"the page cannot be drawn ({_reason(error)}).", **self._at(number)) from error

    def _load(self, number: int) -> Any:
        try:
            return self._pdf.load_page(number - 1)
        except (RuntimeError, ValueError) as error:
            raise CorruptSource(f"the page cannot be loaded ({_reason(error)}).", **self._at(number)) from error

    def _at(self, number: int) -> dict[str, Any]:
        return {"file": self.name, "page": number}

    def close(self) -> None:
        self._pdf.close()


class PopplerReader:
    """Draws with poppler's ``pdftoppm`` through pdf2image. Pages have no text layer here."""

    renderer = "pdf2image"

    def __init__(self, file: str | bytes, name: str, password: str | None) -> None:
        import pdf2image
        from pdf2image import exceptions

        self.name = name
        self._password = password
        self._scratch: tempfile.TemporaryDirectory[str] | None = None
        if isinstance(file, bytes):
            self._scratch = tempfile.TemporaryDirectory(prefix="docparse-")
            path = os.path.join(self._scratch.name, "input.pdf")
            with open(path, "wb") as stream:
                stream.write(file)
            file = path
        self._file = file
        try:
            info = pdf2image.pdfinfo_from_path(file, userpw=password or "")
        except exceptions.PDFInfoNotInstalledError as error:
            raise EngineUnavailable(
                "the second renderer needs poppler, which is not installed.",
                file=name,
                hint="Install poppler-utils (Debian, Ubuntu) or poppler (Homebrew, conda).",
            ) from error
        except (exceptions.PDFPageCountError, exceptions.PDFPopplerTimeoutError, ValueError) as error:
            if "password" in str(error).lower():
                raise wrong_password(name, password) from error
            raise CorruptSource("the PDF cannot be opened by either renderer.", file=name) from error
        self.num_pages = int(info.get("Pages", 0))
        if self.num_pages == 0:
            raise CorruptSource("the PDF has no pages that can be found.", file=name)

    def describe(self, number: int) -> RawPage:
        import pdf2image
        from pdf2image import exceptions

        try:
            info = pdf2image.pdfinfo_from_path(
                self._file, userpw=self._password or "", first_page=number, last_page=number
            )
        except (exceptions.PDFPageCountError, ValueError) as error:
            raise CorruptSource("the page cannot be loaded.", file=self.name, page=number) from error
        words = str(info.get(f"Page {number:>4} size", info.get("Page size", "595 x 842"))).split()
        rotation = _ROTATIONS.get(int(info.get(f"Page {number:>4} rot", 0)) % 360, 0)
        return RawPage(size_pt=(float(words[0]), float(words[2])), rotation=rotation)

    def draw(self, number: int, width: int, height: int) -> bytes:
        import pdf2image
        from pdf2image import exceptions

        try:
            images = pdf2image.convert_from_path(
                self._file,
                first_page=number,
                last_page=number,
                size=(width, height),
                userpw=self._password or "",
                use_cropbox=True,
            )
        except (exceptions.PDFPageCountError, exceptions.PDFSyntaxError, OSError, ValueError) as error:
            raise CorruptSource("the page cannot be drawn.", file=self.name, page=number) from error
        if not images:
            raise CorruptSource("the page cannot be drawn.", file=self.name, page=number)
        image = images[0].convert("RGB")
        return bytes((image if image.size == (width, height) else image.resize((width, height))).tobytes())

    def close(self) -> None:
        if self._scratch is not None:
            self._scratch.cleanup()


def wrong_password(name: str, password: str | None) -> EncryptedSource:
    if password is None:
        return EncryptedSource("the PDF is protected by a password.", file=name, hint="Give it with --password.")
    return EncryptedSource("the password does not open the PDF.", file=name, hint="Check it and try again.")


def _reason(error: BaseException) -> str:
    """MuPDF's own words, unless they only repeat the path."""
    text = str(error).strip().split("\n")[0]
    return "its structure is broken" if not text or "Failed to open" in text else text[:120]


def _fitted(samples: bytes, width: int, height: int, wanted_width: int, wanted_height: int) -> bytes:
    """Pixmaps can be a pixel larger than asked for, where the page's edge falls between pixels."""
    if (width, height) == (wanted_width, wanted_height):
        return samples
    from PIL import Image

    image = Image.frombytes("RGB", (width, height), samples)
    fitted = Image.new("RGB", (wanted_width, wanted_height), "white")
    fitted.paste(image.crop((0, 0, wanted_width, wanted_height)), (0, 0))
    return fitted.tobytes()
