"""The formats a document can be exported to: what a format is, and the list of them.

A new format is one decorated function from a ``Job`` to the ``Part``s it writes; ``docparse
convert --to``, the service and the viewer list what is registered here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from typing import TYPE_CHECKING, BinaryIO, Literal, NamedTuple

from docparse.document import Document
from docparse.errors import ExportError

if TYPE_CHECKING:
    from PIL.Image import Image

Images = Callable[[int], "Image"]
"""The pixels of a page by its number: RGB, ``page.width`` x ``page.height``. Called once a page, in order."""
Content = str | bytes | Callable[[BinaryIO], None]
"""What goes into a file; a function writes into the open file what should never be held as a whole."""
Use = Literal["none", "optional", "required"]


@dataclass(frozen=True, slots=True)
class ExportOptions:
    """What a user can choose.

    furniture   keep headers, footers and page numbers in markdown, text, chunks and html-page
    heat        overlay: colour each box by confidence instead of by kind
    chunk_size  chunks: most characters of one chunk, 100 or more
    """

    furniture: bool = False
    heat: bool = False
    chunk_size: int = 2000

    def __post_init__(self) -> None:
        if self.chunk_size < 100:
            raise ExportError(f"a chunk of {self.chunk_size} characters is too small.", hint="Use 100 or more.")


class Span(NamedTuple):
    """``text[start:end]`` of an export is what ``block`` (an id) of ``page`` (a number) became."""

    start: int
    end: int
    page: int
    block: str


@dataclass(frozen=True, slots=True)
class Part:
    """One file of an export. ``name`` is relative, with ``/`` before a file beside the main one;
    ``spans`` may be worked out only when somebody asks for them."""

    name: str
    content: Content
    spans: Iterable[Span] = ()


@dataclass(frozen=True, slots=True)
class Job:
    """What a format works on. ``stem`` is the file name without its suffix."""

    document: Document
    stem: str
    suffix: str
    images: Images | None = None
    options: ExportOptions = ExportOptions()

    def main(self, content: Content, spans: Iterable[Span] = ()) -> Part:
        """The file that the user asked for."""
        if isinstance(content, str) and not content.isascii():
            # The name of a file need not be Unicode; what we write is.
            content = content.encode("utf-8", "replace").decode("utf-8")
        return Part(self.stem + self.suffix, content, spans)


@dataclass(frozen=True, slots=True)
class Format:
    """A registered format. ``images`` says whether it uses page pixels, and whether it can do without; ``needs`` is a
    package that may be missing, and the extra that brings it."""

    name: str
    suffix: str
    media_type: str
    description: str
    run: Callable[[Job], Iterable[Part]]
    images: Use = "none"
    aliases: tuple[str, ...] = ()
    needs: tuple[str, str] | None = None


FORMATS: dict[str, Format] = {}
"""Every format by its name, in the order in which users should see them."""


def register(
    name: str,
    *,
    suffix: str,
    media_type: str,
    description: str,
    images: Use = "none",
    aliases: tuple[str, ...] = (),
    needs: tuple[str, str] | None = None,
) -> Callable[[Callable[[Job], Iterable[Part]]], Callable[[Job], Iterable[Part]]]:
    """Make a function a format. It yields the files beside the main one first, so that the main
    one never speaks of a file that is not there."""

    def put(run: Callable[[Job], Iterable[Part]]) -> Callable[[Job], Iterable[Part]]:
        if name in FORMATS:
            raise ValueError(f"two formats are called {name}")
        FORMATS[name] = Format(name, suffix, media_type, description, run, images, aliases, needs)
        return run

    return put


def find(name: str) -> Format:
    """The format of that name or alias. Raises ``ExportError``, also where its package is not installed."""
    wanted = name.strip().lower()
    for known in FORMATS.values():
        if wanted == known.name or wanted in known.aliases:
            if not is_ready(known):
                package, extra = known.needs or ("", "")
                raise ExportError(
                    f"{known.name} needs the package {package}, which is not installed.",
                    hint=f"Run pip install 'docparse[{extra}]'.",
                )
            return known
    raise ExportError(f"there is no format {name!r}.", hint=f"Choose one of: {', '.join(FORMATS)}.")


def is_ready(format: Format) -> bool:
    """Whether all that a format needs is installed."""
    return format.needs is None or _is_installed(format.needs[0])


@cache
def _is_installed(package: str) -> bool:
    return find_spec(package) is not None
