"""The flow: pages come as they are read, and whatever an engine does, none of them vanishes."""

from __future__ import annotations

import dataclasses
import io
import json
import logging
from collections.abc import Iterable, Iterator
from pathlib import Path

import fake_engine
import making
import pytest
from fake_engine import FakeEngine
from PIL import Image

import docparse
from docparse.convert import Options, open_for, page_images, read_source
from docparse.document import EngineInfo, Page
from docparse.engines.base import PageMarkup
from docparse.errors import (
    CorruptSource,
    DocparseError,
    EmptySource,
    EncryptedSource,
    EngineUnavailable,
    PageRangeError,
    SettingsError,
    TooLargeSource,
    UnreadableSource,
    UnsupportedSource,
)
from docparse.limits import Limits
from docparse.raster import PageImage
from docparse.source import Source


def a_pdf(pages: int) -> bytes:
    return making.pdf(*(making.text(f"Sheet {n} of the file", size=16) for n in range(1, pages + 1)))


def read(engine: FakeEngine, pages: int = 5, **how: object) -> list[Page]:
    return list(docparse.iter_pages(a_pdf(pages), engine=engine, **how))


def statuses(pages: Iterable[Page]) -> dict[int, str]:
    return {page.number: page.verdict.status for page in pages}


def codes(page: Page) -> list[str]:
    return [issue.code for issue in page.verdict.issues if issue.severity == "error"]


# ------------------------------------------------------------------------------------ streaming


class Watching:
    """Reads as ``FakeEngine`` does, and looks at what is still in memory when it turns to a page."""

    name = "watching"

    def __init__(self) -> None:
        self.given: list[PageImage] = []
        self.in_memory: list[int] = []

    def info(self) -> EngineInfo:
        return EngineInfo(self.name)

    def read_pages(self, pages: Iterable[PageImage]) -> Iterator[PageMarkup]:
        for page in pages:
            self.given.append(page)
            page.pixels()
            self.in_memory.append(sum(image._pixels is not None for image in self.given))
            yield PageMarkup(page.number, fake_engine.markup_of(page))


def test_a_page_comes_before_the_next_one_is_opened() -> None:
    engine = Watching()
    opened = [(page.number, len(engine.given)) for page in docparse.iter_pages(a_pdf(4), engine=engine)]
    assert opened == [(1, 1), (2, 2), (3, 3), (4, 4)]


def test_the_pixels_of_one_page_at_a_time_are_in_memory() -> None:
    engine = Watching()
    docparse.parse(a_pdf(6), engine=engine)
    assert engine.in_memory == [1] * 6
    assert all(image._pixels is None for image in engine.given)


def test_leaving_the_pages_early_closes_the_file() -> None:
    engine = Watching()
    pages = docparse.iter_pages(a_pdf(3), engine=engine)
    assert next(pages).number == 1
    pages.close()  # type: ignore[attr-defined]
    with pytest.raises(Exception, match=r"closed|orphaned"):
        engine.given[0].pixels()


# ------------------------------------------------------------------------------------ a document


def test_parse_tells_who_read_what() -> None:
    data = a_pdf(3)
    document = docparse.parse(data, name="the report.pdf", engine=FakeEngine(markup={2: "<p>two</p>"}))
    assert document.source.name == "the report.pdf"
    assert document.source.pages == 3
    assert document.source.bytes == len(data)
    assert document.source.media_type == "application/pdf"
    assert document.engine == EngineInfo("fake", "1", reason="given", calibration="uncalibrated")
    assert document.version == docparse.__version__
    assert [page.text for page in document.pages] == ["fake page 1", "two", "fake page 3"]


def test_the_engine_that_is_there_reads_the_page() -> None:
    document = docparse.parse(a_pdf(1))
    assert document.engine.name == "embedded"
    assert document.engine.reason == "no model checkpoint is configured"
    assert document.text == "Sheet 1 of the file"
    assert document.status == "ok"


def test_a_path_is_read_like_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(a_pdf(2))
    from_path = docparse.parse(path, engine=FakeEngine())
    assert from_path == docparse.parse(str(path), engine=FakeEngine())
    assert from_path == docparse.parse(path.read_bytes(), name="a.pdf", engine=FakeEngine())


@pytest.mark.parametrize("isolate", [False, True])
def test_a_path_need_not_be_unicode(isolate: bool, tmp_path: Path) -> None:
    path = tmp_path / "\udcff.pdf"
    path.write_bytes(a_pdf(1))
    document = docparse.parse(path, isolate=isolate)
    assert document.text == "Sheet 1 of the file"
    assert json.loads(docparse.export(document, "json").data.decode())["pages"]


def test_what_was_parsed_can_be_exported() -> None:
    document = docparse.parse(a_pdf(2))
    assert docparse.export(document, "markdown").text == "Sheet 1 of the file\n\nSheet 2 of the file\n"
    assert docparse.from_json(docparse.to_json(document)) == document


def test_options_and_keywords_are_one() -> None:
    options = Options(engine=FakeEngine(), pages="2")
    assert [page.number for page in docparse.iter_pages(a_pdf(4), options=options)] == [2]
    assert [page.number for page in docparse.iter_pages(a_pdf(4), options=options, pages="3-4")] == [3, 4]
    with pytest.raises(TypeError, match="engin"):
        docparse.parse(a_pdf(1), engin="auto")


@pytest.mark.parametrize(
    ("text", "numbers"),
    [(None, [1, 2, 3, 4, 5]), ("2-3", [2, 3]), ("5,1", [1, 5]), ("r2-r1", [4, 5]), ("4-99", [4, 5])],
)
def test_a_page_range_chooses_pages(text: str | None, numbers: list[int]) -> None:
    assert [page.number for page in read(FakeEngine(), pages=5, options=Options(pages=text))] == numbers


def test_dpi_fixes_the_size_of_the_page_image() -> None:
    page = read(FakeEngine(), pages=1, dpi=36)[0]
    assert (page.width, page.height, page.dpi) == (200, 300, 36)


# ------------------------------------------------------------------------------------ errors


@pytest.mark.parametrize(
    ("data", "how", "kind"),
    [
        (b"", {}, EmptySource),
        (b"just text", {}, UnsupportedSource),
        (b"%PDF-1.7 and then nothing", {}, CorruptSource),
        (making.pdf(making.nothing, password="secret"), {}, EncryptedSource),
        (making.pdf(making.nothing, password="secret"), {"password": "wrong"}, EncryptedSource),
        (a_pdf(2), {"pages": "7"}, PageRangeError),
        (a_pdf(2), {"pages": "x"}, PageRangeError),
        (a_pdf(3), {"limits": Limits(max_pages=2)}, TooLargeSource),
        (a_pdf(1), {"limits": Limits(max_bytes=10)}, TooLargeSource),
        (a_pdf(1), {"engine": "qwen"}, EngineUnavailable),
        (a_pdf(1), {"engine": "tesseract"}, SettingsError),
        (a_pdf(1), {"dpi": 0}, SettingsError),
        (a_pdf(1), {"dpi": -72}, SettingsError),
        (a_pdf(1), {"dpi": float("nan")}, SettingsError),
    ],
)
def test_what_cannot_be_read_is_an_error_of_ours(data: bytes, how: dict, kind: type[DocparseError]) -> None:
    for reads in (docparse.parse, lambda *a, **k: list(docparse.iter_pages(*a, **k))):
        with pytest.raises(kind) as caught:
            reads(data, name="in.pdf", **{"renderer": "pymupdf", **how})
        assert caught.value.message.endswith(".")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UnreadableSource, match="nowhere"):
        docparse.parse(tmp_path / "nowhere.pdf")


# ------------------------------------------------------------------------------------ pages that fail


@pytest.mark.parametrize(
    ("trouble", "code"),
    [
        (fake_engine.RAISE, "engine.failed"),
        (fake_engine.UNAVAILABLE, "engine.unavailable"),
        (fake_engine.MEMORY, "engine.out_of_memory"),
        (fake_engine.SILENT, "engine.failed"),
        (fake_engine.STRANGER, "engine.failed"),
    ],
)
@pytest.mark.parametrize("ahead", [1, 2, 3, 9])
@pytest.mark.parametrize("bad", [1, 3, 5])
def test_one_bad_page_costs_no_other(trouble: str, code: str, ahead: int, bad: int) -> None:
    pages = read(FakeEngine(trouble={bad: trouble}, ahead=ahead), pages=5)
    assert sorted(statuses(pages)) == [1, 2, 3, 4, 5]
    assert len(pages) == 5
    for page in pages:
        if page.number == bad:
            assert page.verdict.status == "failed"
            assert codes(page) == [code]
            assert not page.blocks
            assert (page.width, page.height) == (pages[bad % 5].width, pages[bad % 5].height)
        else:
            assert page.text == f"fake page {page.number}"


def test_the_reason_of_a_failure_is_in_the_verdict() -> None:
    page = read(FakeEngine(trouble={1: fake_engine.RAISE}), pages=1)[0]
    assert page.verdict.issues[0].message == "the page could not be read (RuntimeError: out of ideas)."


def test_pages_come_in_order_also_around_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Source.page

    def page(self: Source, number: int) -> PageImage:
        if number == 2:
            raise CorruptSource("the page cannot be loaded.", page=2)
        if number == 4:
            raise ZeroDivisionError("a fault of a library")
        return opened(self, number)

    monkeypatch.setattr(Source, "page", page)
    pages = read(FakeEngine(), pages=5)
    assert [page.number for page in pages] == [1, 2, 3, 4, 5]
    assert [codes(page) for page in pages] == [[], ["source.corrupt"], [], ["engine.failed"], []]


def test_an_engine_that_stops_leaves_failed_pages_and_is_given_the_others() -> None:
    pages = read(FakeEngine(trouble={3: fake_engine.STOP}), pages=5)
    assert statuses(pages) == {1: "ok", 2: "ok", 3: "failed", 4: "ok", 5: "ok"}


def test_an_engine_that_ends_again_and_again_costs_a_page_each_time() -> None:
    class Ending(Watching):
        def read_pages(self, pages: Iterable[PageImage]) -> Iterator[PageMarkup]:
            if self.calls == 0:
                self.calls += 1
                yield from super().read_pages([next(iter(pages))])

        calls = 0

    pages = list(docparse.iter_pages(a_pdf(4), engine=Ending()))
    assert [codes(page) for page in pages] == [[], ["engine.failed"], ["engine.failed"], ["engine.failed"]]


def test_an_engine_that_never_starts_leaves_failed_pages() -> None:
    class Broken(Watching):
        def read_pages(self, pages: Iterable[PageImage]) -> Iterator[PageMarkup]:
            raise EngineUnavailable("no weights.")

    pages = list(docparse.iter_pages(a_pdf(3), engine=Broken()))
    assert [codes(page) for page in pages] == [["engine.unavailable"]] * 3
    assert docparse.parse(a_pdf(3), engine=Broken()).status == "failed"


def test_a_fault_of_the_reader_costs_one_page(monkeypatch: pytest.MonkeyPatch) -> None:
    from docparse import convert

    good = convert.check

    def check(image: PageImage, *rest: object) -> object:
        if image.number == 2:
            raise RecursionError("too deep")
        return good(image, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(convert, "check", check)
    assert statuses(read(FakeEngine(), pages=3)) == {1: "ok", 2: "failed", 3: "ok"}


def test_a_failure_prints_nothing_on_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    # Without a handler, Python itself would print the log of errors, traceback and all.
    assert any(isinstance(handler, logging.NullHandler) for handler in logging.getLogger("docparse").handlers)
    read(FakeEngine(trouble={1: fake_engine.RAISE}), pages=2)
    assert capfd.readouterr() == ("", "")


def test_a_damaged_frame_of_a_scan_fails_alone(tmp_path: Path) -> None:
    frames = [making.picture((90, 60)) for _ in range(3)]
    data = bytearray(making.tiff(*frames, compression="tiff_lzw"))
    with Image.open(io.BytesIO(bytes(data))) as image:
        image.seek(1)
        offset, length = image.tag_v2[273][0], image.tag_v2[279][0]  # type: ignore[attr-defined]
    data[offset : offset + length] = b"\xff" * length

    class Looking(Watching):
        def read_pages(self, pages: Iterable[PageImage]) -> Iterator[PageMarkup]:
            for page in pages:
                page.pixels()
                yield PageMarkup(page.number, fake_engine.markup_of(page))

    pages = list(docparse.iter_pages(bytes(data), engine=Looking()))
    assert statuses(pages) == {1: "ok", 2: "failed", 3: "ok"}
    assert codes(pages[1]) == ["source.corrupt"]


# ------------------------------------------------------------------------------------ page images


def test_page_images_are_those_of_the_pages() -> None:
    with open_for(a_pdf(3), Options()) as source:
        pages = list(read_source(source, FakeEngine(), [1, 2, 3]))
        images = page_images(source, pages)
        first = images(1)
        assert first.size == (pages[0].width, pages[0].height)
        assert first.getextrema() != ((255, 255),) * 3
        assert images(1) is first
        assert images(2) is not first


def test_a_page_that_failed_is_white_and_not_touched_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with open_for(a_pdf(2), Options()) as source:
        good, bad = read_source(source, FakeEngine(trouble={2: fake_engine.RAISE}), [1, 2])
        drawn = []
        draw = source.draw
        monkeypatch.setattr(source, "draw", lambda number, *size: drawn.append(number) or draw(number, *size))
        images = page_images(source, [good, bad])
        assert images(2).size == (bad.width, bad.height)
        assert images(2).getextrema() == ((255, 255),) * 3
        assert drawn == []
        images(1)
        assert drawn == [1]


def test_a_page_that_can_be_read_and_not_drawn_is_white(monkeypatch: pytest.MonkeyPatch) -> None:
    def draw(*_: object) -> bytes:
        raise CorruptSource("the page cannot be drawn.")

    with open_for(a_pdf(1), Options()) as source:
        (page,) = read_source(source, FakeEngine(), [1])
        monkeypatch.setattr(source, "draw", draw)
        assert page_images(source, [page])(1).getextrema() == ((255, 255),) * 3


def test_options_are_values() -> None:
    options = Options(pages="1")
    with pytest.raises(dataclasses.FrozenInstanceError):
        options.pages = "2"  # type: ignore[misc]
    assert options == Options(pages="1")
